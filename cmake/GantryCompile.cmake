# One interface target for warnings and definitions; ccache and sanitizers for the whole tree.

find_program(GANTRY_CCACHE ccache)
if(GANTRY_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${GANTRY_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${GANTRY_CCACHE})
endif()

add_library(gantry_warnings INTERFACE)
add_library(gantry::warnings ALIAS gantry_warnings)
target_compile_options(gantry_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow=local -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers>
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${GANTRY_WERROR}>>:-Werror>)
target_include_directories(gantry_warnings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(gantry_warnings INTERFACE GANTRY_VERSION="${PROJECT_VERSION}")

if(GANTRY_SANITIZE)
    add_compile_options(-fsanitize=${GANTRY_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${GANTRY_SANITIZE})
endif()
