# sluice_embed(target symbol FILES name=path ...): links the files' bytes into the target. The generated header
# <symbol>.h declares `extern const std::span<const sluice::cli::EmbeddedFile> symbol`-like access through
# `embedded_<symbol>()`, names in the order given.
enable_language(ASM)

function(sluice_embed target symbol)
  cmake_parse_arguments(arg "" "" "FILES" ${ARGN})
  set(assembler "    .section .rodata\n")
  set(externs "")
  set(entries "")
  set(index 0)
  set(paths "")
  foreach(file IN LISTS arg_FILES)
    string(REGEX MATCH "^([^=]+)=(.+)$" unused "${file}")
    set(name ${CMAKE_MATCH_1})
    set(path ${CMAKE_MATCH_2})
    list(APPEND paths ${path})
    string(APPEND assembler "    .global ${symbol}_${index}_begin\n    .global ${symbol}_${index}_end\n"
                            "${symbol}_${index}_begin:\n    .incbin \"${path}\"\n${symbol}_${index}_end:\n    .byte 0\n")
    string(APPEND externs "extern \"C\" const char ${symbol}_${index}_begin[];\nextern \"C\" const char ${symbol}_${index}_end[];\n")
    string(APPEND entries "      {\"${name}\", std::string_view(${symbol}_${index}_begin, static_cast<std::size_t>(${symbol}_${index}_end - ${symbol}_${index}_begin))},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  string(APPEND assembler "    .section .note.GNU-stack,\"\",@progbits\n")
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  file(CONFIGURE OUTPUT ${folder}/${symbol}.S CONTENT "${assembler}" @ONLY)
  file(CONFIGURE OUTPUT ${folder}/${symbol}.cc CONTENT "#include \"cli/embedded_file.h\"

${externs}
namespace sluice::cli {

std::span<const EmbeddedFile> embedded_${symbol}() {
  static const EmbeddedFile files[] = {
${entries}  };
  return files;
}

}  // namespace sluice::cli
" @ONLY)
  set_source_files_properties(${folder}/${symbol}.S PROPERTIES OBJECT_DEPENDS "${paths}")
  target_sources(${target} PRIVATE ${folder}/${symbol}.S ${folder}/${symbol}.cc)
endfunction()
