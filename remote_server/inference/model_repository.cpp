#include "remote_server/inference/model_repository.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <functional>
#include <optional>
#include <set>

namespace gantry::inference_server {
namespace {

namespace fs = std::filesystem;

constexpr char kConfigParameter[] = "load parameter 'config'"; // what errors call a configuration that is in no file

/// The version that a folder's name is, if it is one: decimal, without zeros before it.
std::optional<std::int64_t> versionOf(const std::string& name)
{
    const bool isNumber = !name.empty() && name.size() <= 18 && name.front() != '0' &&
                          std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    return isNumber ? std::optional(std::strtoll(name.c_str(), nullptr, 10)) : std::nullopt;
}

std::vector<std::int64_t> versionsIn(const fs::path& folder)
{
    std::vector<std::int64_t> versions;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (const auto version = versionOf(entry.path().filename().string()); version && entry.is_directory(error))
            versions.push_back(*version);
    return versions;
}

/// Paths, sizes and times of all files of a model, with those of its configuration.
std::uint64_t fingerprintOf(const fs::path& folder)
{
    std::set<std::string> files; // in an order of its own: folders are read in none
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(folder, error); entry != fs::recursive_directory_iterator();
         entry.increment(error)) {
        const auto time = entry->is_directory(error) ? 0 : entry->last_write_time(error).time_since_epoch().count();
        const auto size = entry->is_regular_file(error) ? entry->file_size(error) : 0;
        files.insert(fmt::format("{}|{}|{}", entry->path().string(), size, time));
    }
    std::uint64_t print = 0;
    for (const std::string& file : files)
        print = print * 31 + std::hash<std::string>()(file);
    return print;
}

/// The versions that a configuration wants, of those in the folder.
void addVersions(RepositoryModel& model, const fs::path& folder, const inference::ModelConfig& config, const std::string& policyPlace,
                 const std::shared_ptr<const void>& keeper = nullptr)
{
    const auto available = versionsIn(folder);
    if (available.empty())
        model.problem = folder.string() + " has no version folder such as 1/";
    const auto wanted = wantedVersions(config.version_policy(), available);
    if (!available.empty() && wanted.empty())
        model.problem =
            fmt::format("{}: version_policy: it wants none of the versions that there are: {}", policyPlace, fmt::join(available, ", "));
    for (const std::int64_t version : wanted)
        model.versions.push_back({model.name, std::to_string(version), config, folder, keeper});
}

RepositoryModel describe(const fs::path& folder, AutoComplete complete)
{
    RepositoryModel model{.name = folder.filename().string(), .versions = {}, .fingerprint = fingerprintOf(folder)};
    const auto file = folder / "config.pbtxt";
    std::ifstream stream(file);
    if (!stream) {
        model.problem = file.string() + " cannot be read";
        return model;
    }
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    auto parsed = parseModelConfig(text, model.name, file.string(), complete);
    if (!parsed) {
        model.problem = parsed.error().text();
        return model;
    }
    model.configPlace = file.string();
    model.warnings = std::move(parsed->warnings);
    addVersions(model, folder, parsed->config, parsed->policyPlace);
    return model;
}

Error notFound(const std::string& name)
{
    return {ErrorCode::NotFound, fmt::format("failed to load '{}', failed to poll from model repository", name), {}};
}

/// Names with slashes or dots would lead out of the repository.
bool isModelName(const std::string& name)
{
    return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

/// A private temporary folder that is removed with the last of the pointers.
Result<std::shared_ptr<const fs::path>> makeFolder()
{
    std::error_code error;
    std::string path = (fs::temp_directory_path(error) / "gantry-serve-XXXXXX").string();
    if (error || !mkdtemp(path.data()))
        return errnoError(error ? error.value() : errno, "making a folder for the files of a model");
    return std::shared_ptr<const fs::path>(new fs::path(path), [](const fs::path* made) {
        std::error_code ignored;
        fs::remove_all(*made, ignored);
        delete made;
    });
}

} // namespace

Result<std::vector<RepositoryModel>> readModelRepository(const fs::path& folder, AutoComplete complete)
{
    std::error_code error;
    if (!fs::is_directory(folder, error))
        return Error{ErrorCode::NotFound, "there is no model repository " + folder.string(), {}};
    std::vector<RepositoryModel> models;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.is_directory(error) && isModelName(entry.path().filename().string()))
            models.push_back(describe(entry.path(), complete));
    std::sort(models.begin(), models.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return models;
}

Result<RepositoryModel> readModel(const fs::path& repository, const std::string& name, AutoComplete complete)
{
    std::error_code error;
    if (!isModelName(name) || !fs::is_directory(repository / name, error))
        return notFound(name);
    return describe(repository / name, complete);
}

Result<RepositoryModel> readModel(const fs::path& repository, const std::string& name, const inference::ModelConfig& config,
                                  AutoComplete complete)
{
    std::error_code error;
    if (!isModelName(name) || !fs::is_directory(repository / name, error))
        return notFound(name);
    GANTRY_TRY(const auto completed, completeModelConfig(config, name, complete).context(kConfigParameter));
    RepositoryModel model{.name = name, .versions = {}, .configPlace = kConfigParameter, .fingerprint = fingerprintOf(repository / name)};
    addVersions(model, repository / name, completed, kConfigParameter);
    return model;
}

Result<RepositoryModel> modelOfFiles(const std::string& name, const inference::ModelConfig& config,
                                     const std::map<std::string, std::string>& files, AutoComplete complete)
{
    if (!isModelName(name))
        return notFound(name);
    GANTRY_TRY(const auto completed, completeModelConfig(config, name, complete).context(kConfigParameter));
    GANTRY_TRY(const auto folder, makeFolder());
    for (const auto& [path, content] : files) {
        const fs::path relative = fs::path(path).lexically_normal();
        if (relative.empty() || relative.is_absolute() || *relative.begin() == ".." || !relative.has_filename())
            return Error{ErrorCode::BadInput, fmt::format("failed to load '{}': \"{}\" is no path in its folder", name, path), {}};
        std::error_code error;
        fs::create_directories((*folder / relative).parent_path(), error);
        std::ofstream file(*folder / relative, std::ios::binary);
        file << content;
        if (!file.flush())
            return Error{
                ErrorCode::CannotWrite, fmt::format("failed to load '{}': cannot write {}", name, (*folder / relative).string()), {}};
    }
    RepositoryModel model{.name = name, .versions = {}, .configPlace = kConfigParameter};
    addVersions(model, *folder, completed, kConfigParameter, folder);
    return model;
}

} // namespace gantry::inference_server
