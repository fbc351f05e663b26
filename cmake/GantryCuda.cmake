# Headers of CUPTI, NVTX 3 and the CUDA runtime, and nvcc with cuBLAS where there is a toolkit. Nothing of CUDA is linked
# into gantryd, gantry-serve or the capture library; only the CUDA backend plugin of gantry-serve links cudart and cuBLAS.
#
# Headers are looked for in the toolkit and in build/cuda-headers, where ./run and ./check put those of NVIDIA's own Python
# packages when there is no toolkit.

set(GANTRY_HAVE_CUPTI OFF)
set(GANTRY_HAVE_NVTX OFF)
set(GANTRY_HAVE_NVCC OFF)
add_library(gantry_cuda_headers INTERFACE)
add_library(gantry::cuda_headers ALIAS gantry_cuda_headers)

if(NOT GANTRY_CUDA STREQUAL "OFF")
    set(GANTRY_CUDA_HEADERS "${PROJECT_SOURCE_DIR}/build/cuda-headers" CACHE PATH "Folder with include/ of CUPTI, NVTX and CUDA runtime headers")
    set(hints $ENV{CUDA_HOME} $ENV{CUDA_PATH} /usr/local/cuda ${GANTRY_CUDA_HEADERS})
    find_path(GANTRY_CUPTI_INCLUDE cupti.h HINTS ${hints} PATH_SUFFIXES include extras/CUPTI/include)
    find_path(GANTRY_CUDA_INCLUDE cuda.h HINTS ${hints} PATH_SUFFIXES include)
    find_path(GANTRY_NVTX_INCLUDE nvtx3/nvToolsExt.h HINTS ${hints} PATH_SUFFIXES include)
    if(GANTRY_CUPTI_INCLUDE AND GANTRY_CUDA_INCLUDE)
        set(GANTRY_HAVE_CUPTI ON)
        target_include_directories(gantry_cuda_headers SYSTEM INTERFACE ${GANTRY_CUPTI_INCLUDE} ${GANTRY_CUDA_INCLUDE})
    endif()
    if(GANTRY_NVTX_INCLUDE)
        set(GANTRY_HAVE_NVTX ON)
        target_include_directories(gantry_cuda_headers SYSTEM INTERFACE ${GANTRY_NVTX_INCLUDE})
    endif()
    find_program(GANTRY_NVCC nvcc HINTS $ENV{CUDA_HOME} /usr/local/cuda PATH_SUFFIXES bin)
    find_library(GANTRY_CUBLAS cublas HINTS $ENV{CUDA_HOME} /usr/local/cuda PATH_SUFFIXES lib64 targets/x86_64-linux/lib)
    if(GANTRY_NVCC AND GANTRY_CUBLAS)
        set(GANTRY_HAVE_NVCC ON)
    endif()
    if(GANTRY_CUDA STREQUAL "ON" AND NOT (GANTRY_HAVE_CUPTI AND GANTRY_HAVE_NVTX))
        message(FATAL_ERROR "GANTRY_CUDA=ON, but the CUPTI or NVTX headers were not found. Install the CUDA toolkit, or run ./check once, which fetches the headers.")
    endif()
endif()
add_feature_info(cupti GANTRY_HAVE_CUPTI "capture of CUDA work (CUPTI headers)")
add_feature_info(nvtx GANTRY_HAVE_NVTX "capture of NVTX ranges (NVTX 3 headers)")
add_feature_info(cuda-backend GANTRY_HAVE_NVCC "GPU backend of gantry-serve (nvcc and cuBLAS)")
