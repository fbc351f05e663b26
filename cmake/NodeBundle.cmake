# Target `node-bundle`: build/gantry-node-<version>-x86_64.tar.zst, everything a GPU node needs to run gantryd, gantry-serve and
# gantryctl with nothing but glibc >= 2.35 installed. cmake/node_bundle/node_bundle.py puts it together.
#
# Debian 12's libstdc++ asks for one symbol of glibc 2.36 (arc4random). The bundle brings it in libgantry_glibc_compat.so, and
# node_bundle.py makes the libstdc++.so.6 in the bundle take it from there.

find_package(Python3 COMPONENTS Interpreter)
find_program(GANTRY_PATCHELF patchelf)
find_program(GANTRY_ZSTD zstd)
set(bundle_bins gantryd gantry-gpu-sampler gantry-serve gantryctl)
if(Python3_FOUND AND GANTRY_PATCHELF AND GANTRY_ZSTD AND NOT GANTRY_SANITIZE)
    set(GANTRY_HAVE_NODE_BUNDLE ON)
else()
    set(GANTRY_HAVE_NODE_BUNDLE OFF)
endif()
add_feature_info(node-bundle GANTRY_HAVE_NODE_BUNDLE "relocatable node bundle (patchelf, zstd, python3; no sanitizers)")
if(NOT GANTRY_HAVE_NODE_BUNDLE)
    return()
endif()

set(bundle_name gantry-node-${PROJECT_VERSION}-x86_64)
set(GANTRY_NODE_BUNDLE ${PROJECT_BINARY_DIR}/${bundle_name}.tar.zst)
set(bundle_work ${PROJECT_BINARY_DIR}/node-bundle)
set(bundle_scripts ${CMAKE_CURRENT_LIST_DIR}/node_bundle)

add_library(gantry_glibc_compat SHARED EXCLUDE_FROM_ALL ${bundle_scripts}/glibc_compat.c)

set(bundle_libs "")
foreach(target gantry_capture gantry_backend_cuda)
    if(TARGET ${target})
        list(APPEND bundle_libs ${target})
    endif()
endforeach()
set(bundle_arguments "")
foreach(target ${bundle_bins})
    list(APPEND bundle_arguments --bin $<TARGET_FILE:${target}>)
endforeach()
foreach(target ${bundle_libs})
    list(APPEND bundle_arguments --lib $<TARGET_FILE:${target}>)
endforeach()
file(GLOB_RECURSE bundle_models CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/resources/models/* ${PROJECT_SOURCE_DIR}/resources/target_profiles/*)
file(GLOB bundle_python CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/remote_server/capture/python/*.py)

add_custom_command(OUTPUT ${GANTRY_NODE_BUNDLE}
    COMMAND ${Python3_EXECUTABLE} ${bundle_scripts}/node_bundle.py --name ${bundle_name} --version ${PROJECT_VERSION}
            --output ${GANTRY_NODE_BUNDLE} --work ${bundle_work} --compat $<TARGET_FILE:gantry_glibc_compat>
            --share ${PROJECT_SOURCE_DIR}/resources/models=share/gantry/models --share ${PROJECT_SOURCE_DIR}/LICENSE=share/gantry/LICENSE
            --share ${PROJECT_SOURCE_DIR}/resources/target_profiles=share/gantry/target_profiles
            --share ${PROJECT_SOURCE_DIR}/remote_server/capture/python=lib/gantry-python
            ${bundle_arguments}
    DEPENDS ${bundle_bins} ${bundle_libs} gantry_glibc_compat ${bundle_scripts}/node_bundle.py ${bundle_models} ${bundle_python} ${PROJECT_SOURCE_DIR}/LICENSE
    COMMENT "Node bundle ${bundle_name}.tar.zst" VERBATIM)
add_custom_target(node-bundle DEPENDS ${GANTRY_NODE_BUNDLE})
