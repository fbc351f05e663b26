#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gantry::architecture {

/// One source file: its path from the root of the tree ("trace_model/base/time.h") and its text.
struct SourceFile
{
    std::string path;
    std::string text;
};

/// One `#include` line.
struct Include
{
    std::string header; ///< as written, without brackets or quotes
    bool quoted = false;
    int line = 0; ///< counted from 1
};

/// The `#include` lines of a text, in order. Lines in comments and string literals do not count.
[[nodiscard]] std::vector<Include> includesOf(std::string_view text);

/// What is wrong with the includes of one file, one sentence each ("app/x.cpp:3: …"), empty when nothing is:
///  - an edge between folders that the layers do not have;
///  - a third-party header outside the folders that own it (Qt, gRPC and Protobuf, CUDA, SQLite, libssh);
///  - a project header not named by its full path from the root;
///  - a source file that does not include its own header first (that is what shows that the header compiles alone);
///  - a header without `#pragma once`.
/// `hasOwnHeader`: the tree holds a header of the same name beside this source file.
[[nodiscard]] std::vector<std::string> violationsOf(const SourceFile& file, bool hasOwnHeader);

/// Violations of a whole tree, in the order of its files.
[[nodiscard]] std::vector<std::string> violationsOf(const std::vector<SourceFile>& tree);

/// Every .h and .cpp (.cu, .cuh) file under the layered folders of the tree at `root`, sorted by path.
[[nodiscard]] std::vector<SourceFile> readTree(const std::string& root);

} // namespace gantry::architecture
