# Installs module delta and what it stands on as a CMake package, with DuckDB, whose types are in its headers:
#
#   cmake --install build/release --prefix PREFIX --component delta_library
#
# Programs then say find_package(sluice_delta) and link sluice::delta; see examples/delta_library.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_targets sluice_base sluice_store sluice_columnar sluice_delta dep_duckdb dep_croaring dep_xxhash dep_simdjson)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/sluice_delta)

foreach(module base store columnar delta)
  set_target_properties(sluice_${module} PROPERTIES EXPORT_NAME ${module})
endforeach()
set_target_properties(dep_croaring PROPERTIES OUTPUT_NAME sluice_croaring)

install(TARGETS ${package_targets} EXPORT sluice_delta COMPONENT delta_library
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT delta_library
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sluice COMPONENT delta_library)
install(EXPORT sluice_delta NAMESPACE sluice:: FILE sluice_delta_targets.cmake DESTINATION ${package_folder}
  COMPONENT delta_library)

install(DIRECTORY ${duckdb_root}/src/include/ DESTINATION ${SLUICE_INSTALLED_DUCKDB} COMPONENT delta_library)
install(FILES ${duckdb_root}/libduckdb.so DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT delta_library)
install(FILES ${duckdb_root}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.duckdb COMPONENT delta_library)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT delta_library)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/sluice_delta-config.cmake.in
  ${CMAKE_BINARY_DIR}/sluice_delta-config.cmake INSTALL_DESTINATION ${package_folder} PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sluice_delta-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sluice_delta-config.cmake ${CMAKE_BINARY_DIR}/sluice_delta-config-version.cmake
  DESTINATION ${package_folder} COMPONENT delta_library)
