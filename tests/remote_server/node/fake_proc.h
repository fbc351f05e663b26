#pragma once

#include "tests/support/temporary_folder.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace gantry::node {

/// A machine whose /proc and /sys say what a test writes.
class FakeProc
{
public:
    FakeProc() { std::filesystem::create_directory(m_folder / "proc"); }
    void write(const std::string& name, const std::string& text) const { writeAt("proc/" + name, text); }
    void writeAt(const std::string& name, const std::string& text) const
    {
        std::filesystem::create_directories((root() / name).parent_path());
        std::ofstream(root() / name) << text;
    }
    void remove(const std::string& name) const { std::filesystem::remove_all(root() / name); }
    [[nodiscard]] std::filesystem::path root() const { return m_folder.path(); }

private:
    test::TemporaryFolder m_folder;
};

} // namespace gantry::node
