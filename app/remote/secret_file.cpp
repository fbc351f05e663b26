#include "app/remote/secret_file.h"

#include "trace_model/base/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::app {
namespace {

std::string expanded(const std::string& path)
{
    const char* home = path.starts_with("~/") ? std::getenv("HOME") : nullptr;
    return home ? home + path.substr(1) : path;
}

} // namespace

Result<Secret> readSecretFile(const std::string& written)
{
    const std::string path = expanded(written);
    const auto failure = [&](ErrorCode code, std::string_view why) {
        return Error{code, fmt::format("the file {} with the password or token {}", path, why), {}};
    };
    // A pipe without a writer must not be waited for.
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat facts = {};
    if (!file || ::fstat(file.get(), &facts) != 0)
        return failure(errno == EACCES ? ErrorCode::NotPermitted : ErrorCode::NotFound,
                       fmt::format("cannot be read: {}", std::strerror(errno)));
    if (!S_ISREG(facts.st_mode))
        return failure(ErrorCode::BadInput, "is no file");
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return failure(ErrorCode::NotPermitted, "can be read by others: run chmod 600 on it");
    char text[Secret::kMostBytes + 2];
    const ssize_t size = ::read(file.get(), text, sizeof text);
    std::string_view line(text, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    line = line.substr(0, line.find_first_of("\r\n"));
    const bool isPrintable = std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    const bool isUsable = !line.empty() && isPrintable && line.size() <= Secret::kMostBytes;
    Secret secret = isUsable ? Secret(line) : Secret();
    ::explicit_bzero(text, sizeof text);
    if (!isUsable)
        return failure(ErrorCode::BadInput, fmt::format("has no first line of printable characters, {} bytes at most", Secret::kMostBytes));
    return secret;
}

} // namespace gantry::app
