#pragma once

#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <cstdlib>

namespace gantry::test {

/// The second GPU of the fake NVML has fallen off the bus for as long as this lives.
class LostFakeGpu
{
public:
    LostFakeGpu()
    {
        writeFile(m_folder / "lost", "");
        setenv("GANTRY_FAKE_NVML_LOST", (m_folder / "lost").c_str(), 1);
    }
    LostFakeGpu(const LostFakeGpu&) = delete;
    LostFakeGpu& operator=(const LostFakeGpu&) = delete;
    ~LostFakeGpu() { unsetenv("GANTRY_FAKE_NVML_LOST"); }

private:
    TemporaryFolder m_folder;
};

} // namespace gantry::test
