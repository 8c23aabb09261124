# Compiler, linker and cache settings shared by every target of ours.

# Names of files in messages, checks and debug information start at the repository, wherever the clone and the build
# folder stand. This also lets one build folder or clone reuse what another compiled.
file(RELATIVE_PATH source_from_build ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${source_from_build}=)

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  # g++ records the time of a precompiled header; ccache must look at its content instead, and remember the hash of that
  # half gigabyte (INODECACHE).
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
               CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_INODECACHE=1 ${SLUICE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
find_program(SLUICE_MOLD mold)
if(SLUICE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

option(SLUICE_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)
set(SLUICE_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
  if(SLUICE_SANITIZE MATCHES "undefined")
    # DuckDB's library carries no type information for the vptr check.
    add_compile_options(-fno-sanitize=vptr)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # Checked at every access, for a fifth of the compile time: null and size the address sanitizer finds as well, and
      # alignment is still checked by the preset fuzz.
      add_compile_options(-fno-sanitize=null,object-size,alignment)
    endif()
  endif()
endif()

add_library(sluice_warnings INTERFACE)
target_compile_options(sluice_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wextra-semi
  -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Inside g++'s standard library.
  target_compile_options(sluice_warnings INTERFACE -Wno-deprecated-declarations)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 inside the standard library and DuckDB's headers once they are inlined.
  target_compile_options(sluice_warnings INTERFACE
    -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
endif()
