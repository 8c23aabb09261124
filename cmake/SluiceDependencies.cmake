# Third-party libraries, each as one target `dep::<name>` with system headers. `./dev setup` puts what Debian does not
# carry under .deps/ after checking it against deps.lock.

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.74 REQUIRED)

set(SLUICE_DEPS ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "Where ./dev setup unpacked the pinned dependencies")

set(SLUICE_DUCKDB_VERSION 1.5.6)
set(SLUICE_INSTALLED_DUCKDB include/sluice_duckdb)
set(duckdb_root ${SLUICE_DEPS}/duckdb-${SLUICE_DUCKDB_VERSION})
if(NOT EXISTS ${duckdb_root}/libduckdb.so)
  message(FATAL_ERROR "DuckDB ${SLUICE_DUCKDB_VERSION} is not in ${duckdb_root}: run ./dev setup")
endif()
# The library stands next to the binary as bin/../lib/libduckdb.so, so that a build folder can be moved.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
file(CREATE_LINK ${duckdb_root}/libduckdb.so ${CMAKE_BINARY_DIR}/lib/libduckdb.so COPY_ON_ERROR SYMBOLIC)
set(CMAKE_BUILD_RPATH "$ORIGIN/../lib")
add_library(dep_duckdb INTERFACE)
add_library(dep::duckdb ALIAS dep_duckdb)
set(duckdb_includes
  ${duckdb_root}/src/include
  ${duckdb_root}/extension/parquet/include
  ${duckdb_root}/extension/core_functions/include
  ${duckdb_root}/extension/json/include
  ${duckdb_root}/extension/icu/include
  ${duckdb_root}/third_party/parquet
  ${duckdb_root}/third_party/thrift
  ${duckdb_root}/third_party/fsst
  ${duckdb_root}/third_party/re2
  ${duckdb_root}/third_party/fast_float
  ${duckdb_root}/third_party/utf8proc/include
  ${duckdb_root}/third_party/libpg_query/include
  ${duckdb_root}/third_party/concurrentqueue
  ${duckdb_root}/third_party/fastpforlib
  ${duckdb_root}/third_party/pcg
  ${duckdb_root}/third_party/skiplist
  ${duckdb_root}/third_party/tdigest
  ${duckdb_root}/third_party/hyperloglog
  ${duckdb_root}/third_party/lz4
  ${duckdb_root}/third_party/zstd/include
  ${duckdb_root}/third_party/yyjson/include)
# An installed package has its own copies (SluicePackage.cmake).
target_include_directories(dep_duckdb SYSTEM INTERFACE "$<BUILD_INTERFACE:${duckdb_includes}>")
target_include_directories(dep_duckdb INTERFACE $<INSTALL_INTERFACE:${SLUICE_INSTALLED_DUCKDB}>)
# DEBUG changes DuckDB's class layouts, and the ready-built library was built without it.
target_compile_definitions(dep_duckdb INTERFACE NDEBUG)
target_link_libraries(dep_duckdb INTERFACE
  $<BUILD_INTERFACE:${duckdb_root}/libduckdb.so> $<INSTALL_INTERFACE:sluice::libduckdb>)

add_library(dep_croaring STATIC ${SLUICE_DEPS}/croaring/roaring.c)
add_library(dep::croaring ALIAS dep_croaring)
target_include_directories(dep_croaring SYSTEM PUBLIC $<BUILD_INTERFACE:${SLUICE_DEPS}/croaring>)
target_compile_options(dep_croaring PRIVATE -w)

find_library(xxhash_library xxhash REQUIRED)
find_path(xxhash_include xxhash.h REQUIRED)
add_library(dep_xxhash INTERFACE)
add_library(dep::xxhash ALIAS dep_xxhash)
target_include_directories(dep_xxhash SYSTEM INTERFACE $<BUILD_INTERFACE:${xxhash_include}>)
target_link_libraries(dep_xxhash INTERFACE $<BUILD_INTERFACE:${xxhash_library}> $<INSTALL_INTERFACE:xxhash>)

add_library(dep::fmt ALIAS fmt::fmt)
add_library(dep_simdjson INTERFACE)
add_library(dep::simdjson ALIAS dep_simdjson)
target_link_libraries(dep_simdjson INTERFACE simdjson::simdjson)
add_library(dep_boost INTERFACE)
add_library(dep::boost ALIAS dep_boost)
target_link_libraries(dep_boost INTERFACE Boost::headers)
add_library(dep_yaml INTERFACE)
add_library(dep::yaml ALIAS dep_yaml)
target_link_libraries(dep_yaml INTERFACE yaml-cpp)
add_library(dep_cli11 INTERFACE)
add_library(dep::cli11 ALIAS dep_cli11)
target_link_libraries(dep_cli11 INTERFACE CLI11::CLI11)
