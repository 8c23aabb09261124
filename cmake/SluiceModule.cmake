# sluice_module(name HEADERS ... SOURCES ... USES ... THIRD_PARTY ... TESTS ...)
#
# One static library per module. A USES entry that is not yet a target is a configure error, so modules can only look
# down; "name: uses" is appended to build/<preset>/modules.txt, which the test `layering` compares with every #include;
# headers form a file set, so each must compile alone; the library also links, whole, into an empty program, so that a
# symbol of an undeclared module is a link error. TESTS become one program <name>_test.

set(SLUICE_MODULES_FILE ${CMAKE_BINARY_DIR}/modules.txt)
file(WRITE ${SLUICE_MODULES_FILE} "")

# Every module on DuckDB's headers shares one precompiled header. It needs the warnings of its users: -Wpedantic changes
# which macros are predefined, and g++ refuses a precompiled header that saw others.
if(NOT EXISTS ${CMAKE_BINARY_DIR}/pch_anchor.cc)
  file(WRITE ${CMAKE_BINARY_DIR}/pch_anchor.cc "")
endif()
add_library(sluice_duckdb_pch OBJECT ${CMAKE_BINARY_DIR}/pch_anchor.cc)
target_link_libraries(sluice_duckdb_pch PRIVATE dep::duckdb dep::fmt sluice_warnings)
target_precompile_headers(sluice_duckdb_pch PRIVATE
  <duckdb.hpp> <duckdb/common/types/data_chunk.hpp> <duckdb/common/types/column/column_data_collection.hpp>
  <duckdb/planner/expression/list.hpp> <duckdb/planner/operator/list.hpp> <duckdb/parser/expression/list.hpp>
  <algorithm> <map> <memory> <optional> <span> <string> <string_view> <unordered_map> <variant> <vector>)

function(sluice_module name)
  cmake_parse_arguments(arg "" "" "HEADERS;SOURCES;USES;THIRD_PARTY;TESTS" ${ARGN})
  foreach(used IN LISTS arg_USES)
    if(NOT TARGET sluice_${used})
      message(FATAL_ERROR "module ${name} uses ${used}, which does not stand before it in src/CMakeLists.txt")
    endif()
  endforeach()
  string(JOIN " " uses ${arg_USES})
  string(JOIN " " third_party ${arg_THIRD_PARTY})
  file(APPEND ${SLUICE_MODULES_FILE} "${name}: ${uses} | ${third_party}\n")

  add_library(sluice_${name} STATIC ${arg_SOURCES})
  set(public_headers ${arg_HEADERS})
  list(FILTER public_headers EXCLUDE REGEX "(^|/)internal/")
  set(internal_headers ${arg_HEADERS})
  list(FILTER internal_headers INCLUDE REGEX "(^|/)internal/")
  target_sources(sluice_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/src FILES ${public_headers})
  target_include_directories(sluice_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>)
  target_compile_features(sluice_${name} PUBLIC cxx_std_20)
  if(internal_headers)
    # A target of their own: they must compile alone as well, and are not installed.
    add_library(sluice_${name}_internal INTERFACE)
    target_sources(sluice_${name}_internal INTERFACE FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/src FILES ${internal_headers})
    target_link_libraries(sluice_${name}_internal INTERFACE sluice_${name})
  endif()
  list(TRANSFORM arg_USES PREPEND sluice_ OUTPUT_VARIABLE use_targets)
  list(TRANSFORM arg_THIRD_PARTY PREPEND dep:: OUTPUT_VARIABLE dep_targets)
  target_link_libraries(sluice_${name} PUBLIC ${use_targets} ${dep_targets} Threads::Threads
                        PRIVATE $<BUILD_INTERFACE:sluice_warnings>)
  if("duckdb" IN_LIST arg_THIRD_PARTY)
    target_precompile_headers(sluice_${name} REUSE_FROM sluice_duckdb_pch)
  endif()

  # Whole archive into an empty program: every symbol must come from a declared module.
  add_executable(${name}_links EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/empty_main.cc)
  target_link_libraries(${name}_links PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,sluice_${name}>")
  set_property(GLOBAL APPEND PROPERTY SLUICE_LINK_CHECKS ${name}_links)

  if(arg_TESTS)
    sluice_test(${name}_test SOURCES ${arg_TESTS} USES ${name})
  endif()
endfunction()

# sluice_test(name [LABEL kind] SOURCES ... USES ... THIRD_PARTY ...): one GoogleTest program; every TEST in it is a
# ctest test with that label (default: unit; the kinds are listed in tools/check_tidy.py).
function(sluice_test name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;USES;THIRD_PARTY" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  add_executable(${name} ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/cmake/test_main.cc)
  list(TRANSFORM arg_USES PREPEND sluice_ OUTPUT_VARIABLE use_targets)
  list(TRANSFORM arg_THIRD_PARTY PREPEND dep:: OUTPUT_VARIABLE dep_targets)
  target_link_libraries(${name} PRIVATE ${use_targets} ${dep_targets} GTest::gtest GTest::gmock sluice_warnings)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  if(SLUICE_SANITIZE MATCHES "undefined")
    # What is tested is checked; checking the test's own code takes a third of its compile time.
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  endif()
  if(NOT name MATCHES "^(base|store)_test$")
    target_link_libraries(${name} PRIVATE dep::duckdb)
    target_precompile_headers(${name} REUSE_FROM sluice_duckdb_pch)
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 300 LABELS ${arg_LABEL})
endfunction()
