// A program with NVTX ranges and nothing else: "step" around "inner", about 500 times a second, until it is ended.
#include <nvtx3/nvToolsExt.h>

#include <chrono>
#include <thread>

int main()
{
    for (;;) {
        nvtxRangePushA("step");
        nvtxRangePushA("inner");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        nvtxRangePop();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        nvtxRangePop();
    }
}
