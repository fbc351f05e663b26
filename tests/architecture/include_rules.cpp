#include "tests/architecture/include_rules.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace gantry::architecture {
namespace {

using Folders = std::vector<std::string_view>;

/// A folder and what it may include besides itself. The longest folder that holds a file decides.
struct Layer
{
    std::string_view folder;
    Folders mayInclude;
};

/// The arrows of the design. An arrow that is not here does not exist.
const std::vector<Layer>& layers()
{
    static const std::vector<Layer> kLayers = {
        {"trace_model/base", {}},
        {"trace_model/records", {"trace_model/base"}},
        {"trace_model/metrics", {"trace_model/base"}},
        {"trace_model/report", {"trace_model/base", "trace_model/records", "trace_model/metrics"}},
        // Nsight Systems exports are SQLite files too: import reads them with report's database.
        {"trace_model/import", {"trace_model/base", "trace_model/records", "trace_model/metrics", "trace_model/report"}},
        {"trace_model/trace",
         {"trace_model/base", "trace_model/records", "trace_model/metrics", "trace_model/report", "trace_model/import"}},
        {"trace_model/analysis",
         {"trace_model/base", "trace_model/records", "trace_model/metrics", "trace_model/report", "trace_model/import",
          "trace_model/trace"}},
        // Tables of statistics are exported too.
        {"trace_model/exporting",
         {"trace_model/base", "trace_model/records", "trace_model/metrics", "trace_model/report", "trace_model/import",
          "trace_model/trace", "trace_model/analysis"}},
        {"remote_server", {"trace_model"}},
        {"remote_server/proto", {"trace_model"}},
        // Injected into other people's processes: plain records and their chunk format, nothing that links a library.
        {"remote_server/capture", {"trace_model/base", "trace_model/records"}},
        {"widgets", {"trace_model"}},
        {"app", {"widgets", "trace_model", "remote_server/proto"}},
        {"app/remote", {"trace_model", "remote_server/proto"}},
        {"app/jobs", {"trace_model"}},
        {"app/desktop", {"widgets", "trace_model", "remote_server/proto", "remote_server/load", "app/remote", "app/jobs", "app/cli"}},
        {"app/cli", {"trace_model", "remote_server/proto", "remote_server/load", "app/remote"}},
    };
    return kLayers;
}

/// A third-party library: how its headers are recognised, and the folders that may include them.
struct Library
{
    std::string_view name;
    Folders prefixes;     ///< of the header's path
    Folders suffixes;     ///< of the header's path
    Folders owners;       ///< folders that may include it
    Folders except;       ///< parts of them that may not
    Folders notInHeaders; ///< folders where only source files may
};

const std::vector<Library>& libraries()
{
    static const std::vector<Library> kLibraries = {
        {"Qt", {"Q", "qcustomplot"}, {}, {"widgets", "app"}, {"app/remote", "app/cli"}, {}},
        {"gRPC and Protobuf",
         {"grpc/", "grpcpp/", "grpc++/", "google/protobuf/"},
         {},
         {"remote_server", "app/remote"},
         {"remote_server/capture"},
         {}},
        {"generated Protobuf code", {}, {".pb.h"}, {"remote_server", "app/remote"}, {"remote_server/capture"}, {"app/remote"}},
        {"CUPTI", {"cupti"}, {}, {"remote_server/capture", "remote_server/gpu_sampler"}, {}, {}},
        {"CUDA, NVTX and NVML", {"cuda", "cublas", "nvtx3/", "nvml"}, {}, {"remote_server"}, {"remote_server/proto"}, {}},
        {"SQLite", {"sqlite3.h", "trace_model/report/sqlite.h"}, {}, {"trace_model/report", "trace_model/import"}, {}, {}},
        {"libssh", {"libssh/"}, {}, {"app/remote"}, {}, {}},
    };
    return kLibraries;
}

constexpr std::array<std::string_view, 4> kTopFolders = {"trace_model", "remote_server", "widgets", "app"};

bool isIn(std::string_view path, std::string_view folder)
{
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool isInAny(std::string_view path, const Folders& folders)
{
    return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) { return isIn(path, folder); });
}

const Layer* layerOf(std::string_view path)
{
    const Layer* longest = nullptr;
    for (const Layer& layer : layers()) {
        if (isIn(path, layer.folder) && (!longest || layer.folder.size() > longest->folder.size()))
            longest = &layer;
    }
    return longest;
}

bool isHeader(std::string_view path)
{
    return path.ends_with(".h") || path.ends_with(".cuh");
}

std::string ownHeaderOf(std::string_view path)
{
    return std::string(path.substr(0, path.rfind('.'))) + ".h";
}

bool isOf(const Library& library, std::string_view header)
{
    return std::any_of(library.prefixes.begin(), library.prefixes.end(),
                       [&](std::string_view prefix) { return header.starts_with(prefix); }) ||
           std::any_of(library.suffixes.begin(), library.suffixes.end(), [&](std::string_view suffix) { return header.ends_with(suffix); });
}

/// The sentence for one include, or empty.
std::string violationOf(std::string_view path, const Layer& layer, const Include& include)
{
    const std::string_view header = include.header;
    for (const Library& library : libraries()) {
        if (!isOf(library, header))
            continue;
        if (!isInAny(path, library.owners) || isInAny(path, library.except))
            return "<" + include.header + "> is of " + std::string(library.name) + ", which does not belong in " +
                   std::string(layer.folder);
        if (isHeader(path) && isInAny(path, library.notInHeaders))
            return "<" + include.header + "> is of " + std::string(library.name) + ", which stays in source files here";
    }

    const bool ofProject = std::any_of(kTopFolders.begin(), kTopFolders.end(), [&](std::string_view top) { return isIn(header, top); });
    if (!ofProject) {
        const bool generated = header.ends_with(".pb.h") || header.ends_with(".moc");
        if (include.quoted && !generated && !isIn(header, "tests"))
            return "\"" + include.header + "\" is not a full path from the root of the tree";
        if (isIn(header, "tests"))
            return "a program does not include the tests' \"" + include.header + "\"";
        return {};
    }
    // Included and including file in one layer, by the longest folder, so that app/remote is not "app".
    const Layer* target = layerOf(header);
    if (target && target->folder == layer.folder)
        return {};
    if (isInAny(header, layer.mayInclude))
        return {};
    // "app" as a whole may use its own sub-layers; a sub-layer may not use "app" unless listed.
    if (isIn(header, layer.folder))
        return {};
    return std::string(layer.folder) + " must not include \"" + include.header + "\"";
}

} // namespace

std::vector<Include> includesOf(std::string_view text)
{
    std::vector<Include> includes;
    bool inBlockComment = false;
    int number = 0;
    while (!text.empty()) {
        const std::size_t lineEnd = text.find('\n');
        std::string_view line = text.substr(0, lineEnd);
        text.remove_prefix(lineEnd == std::string_view::npos ? text.size() : lineEnd + 1);
        ++number;

        if (inBlockComment) {
            const std::size_t close = line.find("*/");
            if (close == std::string_view::npos)
                continue;
            inBlockComment = false;
            line.remove_prefix(close + 2);
        }
        const auto skip = [&line](std::string_view characters) {
            line.remove_prefix(std::min(line.find_first_not_of(characters), line.size()));
        };
        const std::string_view whole = line;
        skip(" \t");
        if (line.starts_with('#')) {
            line.remove_prefix(1);
            skip(" \t");
            if (line.starts_with("include")) {
                line.remove_prefix(7);
                skip(" \t");
                const char close = line.starts_with('<') ? '>' : '"';
                const std::size_t end = line.empty() ? std::string_view::npos : line.find(close, 1);
                if ((line.starts_with('<') || line.starts_with('"')) && end != std::string_view::npos)
                    includes.push_back({std::string(line.substr(1, end - 1)), close == '"', number});
            }
        }
        const std::size_t open = whole.rfind("/*");
        const std::size_t lineComment = whole.find("//");
        if (open != std::string_view::npos && (lineComment == std::string_view::npos || lineComment > open) &&
            whole.find("*/", open + 2) == std::string_view::npos)
            inBlockComment = true;
    }
    return includes;
}

std::vector<std::string> violationsOf(const SourceFile& file, bool hasOwnHeader)
{
    std::vector<std::string> violations;
    const Layer* layer = layerOf(file.path);
    if (!layer) {
        violations.push_back(file.path + ": is in no layer");
        return violations;
    }
    const std::vector<Include> includes = includesOf(file.text);
    for (const Include& include : includes) {
        if (std::string sentence = violationOf(file.path, *layer, include); !sentence.empty())
            violations.push_back(file.path + ":" + std::to_string(include.line) + ": " + sentence);
    }
    if (isHeader(file.path)) {
        if (file.text.find("#pragma once") == std::string::npos)
            violations.push_back(file.path + ": has no #pragma once");
    } else if (hasOwnHeader && (includes.empty() || includes.front().header != ownHeaderOf(file.path))) {
        violations.push_back(file.path + ": does not include its own header first");
    }
    return violations;
}

std::vector<std::string> violationsOf(const std::vector<SourceFile>& tree)
{
    std::set<std::string, std::less<>> paths;
    for (const SourceFile& file : tree)
        paths.insert(file.path);

    std::vector<std::string> violations;
    for (const SourceFile& file : tree) {
        std::vector<std::string> found = violationsOf(file, paths.contains(ownHeaderOf(file.path)));
        std::move(found.begin(), found.end(), std::back_inserter(violations));
    }
    return violations;
}

std::vector<SourceFile> readTree(const std::string& root)
{
    namespace fs = std::filesystem;
    std::vector<SourceFile> tree;
    for (const std::string_view top : kTopFolders) {
        const fs::path folder = fs::path(root) / top;
        if (!fs::exists(folder))
            continue;
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
            const std::string extension = entry.path().extension().string();
            if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh")
                continue;
            std::ostringstream text;
            text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
            tree.push_back({fs::relative(entry.path(), root).generic_string(), std::move(text).str()});
        }
    }
    std::sort(tree.begin(), tree.end(), [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return tree;
}

} // namespace gantry::architecture
