#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <filesystem>
#include <string_view>

namespace gantry::node {

/// A private folder (mode 0700) for work that takes a while, removed with this object. A lock in it, which ends with the process however
/// that ends, tells what is in use from what a killed daemon left.
class WorkFolder
{
public:
    /// Errors: CannotWrite.
    [[nodiscard]] static Result<WorkFolder> make(const std::filesystem::path& parent);
    WorkFolder(WorkFolder&& other) noexcept;
    WorkFolder& operator=(WorkFolder&&) = delete;
    ~WorkFolder();

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    /// Removes the folders in `parent` that no daemon uses any more, and kills each `nsys export` of this user that still works in one,
    /// with the process group that it leads. `nsys`: the name of the program.
    static void sweep(const std::filesystem::path& parent, std::string_view nsys = "nsys");

private:
    WorkFolder(std::filesystem::path path, UniqueFd lock) : m_path(std::move(path)), m_lock(std::move(lock)) {}

    std::filesystem::path m_path; ///< empty: moved from
    UniqueFd m_lock;
};

} // namespace gantry::node
