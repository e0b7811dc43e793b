# bpf_object(NAME SOURCES a.bpf.c b.bpf.c ...): compiles each source alone, links them with
# `bpftool gen object` into NAME.bpf.o and generates the skeleton NAME.skel.h. The interface target
# NAME_skel carries the include path of the skeleton. Header dependencies come from clang's -MD.

# One pinned clang: the verifier judges what this compiler emits.
find_program(BPF_CLANG clang-19 REQUIRED)
find_program(BPF_STRIP llvm-strip-19 REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin REQUIRED)

set(BPF_CFLAGS -g -O2 -target bpf -mcpu=v3 -std=gnu11 -Wall -Wextra -Wno-unused-function -Wno-unused-parameter -Werror
    -I${CMAKE_SOURCE_DIR}/include -I${CMAKE_SOURCE_DIR}/bpf
    -idirafter /usr/include/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)

function(bpf_object name)
  cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
  set(objects)
  foreach(source IN LISTS ARG_SOURCES)
    get_filename_component(stem ${source} NAME_WE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.${stem}.o)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${BPF_CLANG} ${BPF_CFLAGS} -MD -MF ${object}.d -MT ${object} -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      COMMAND ${BPF_STRIP} -g ${object}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      DEPFILE ${object}.d
      COMMENT "BPF ${name}/${source}"
      VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/skel/${name}.skel.h)
  add_custom_command(
    OUTPUT ${linked} ${skeleton}
    COMMAND ${BPFTOOL} gen object ${linked} ${objects}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/skel
    COMMAND sh -c "${BPFTOOL} gen skeleton ${linked} name ${name}_bpf > ${skeleton}"
    DEPENDS ${objects}
    COMMENT "BPF skeleton ${name}.skel.h"
    VERBATIM)
  add_custom_target(${name}_bpf_build ALL DEPENDS ${linked} ${skeleton})
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_bpf_build)
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/skel)
endfunction()
