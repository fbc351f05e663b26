#include "tests/architecture/include_rules.h"

#include <gmock/gmock.h>

using namespace gantry::architecture;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::vector<std::string> violationsOfOneLine(const std::string& path, const std::string& line)
{
    return violationsOf(SourceFile{path, line + "\n"}, false);
}

} // namespace

TEST(IncludesOf, findsQuotedAndBracketedIncludesWithTheirLines)
{
    const std::vector<Include> includes = includesOf("#include \"a/b.h\"\n\n  #  include <vector>\n");
    ASSERT_EQ(includes.size(), 2u);
    EXPECT_EQ(includes[0].header, "a/b.h");
    EXPECT_TRUE(includes[0].quoted);
    EXPECT_EQ(includes[0].line, 1);
    EXPECT_EQ(includes[1].header, "vector");
    EXPECT_FALSE(includes[1].quoted);
    EXPECT_EQ(includes[1].line, 3);
}

TEST(IncludesOf, doesNotReadComments)
{
    EXPECT_THAT(includesOf("// #include <a>\n/* #include <b>\n#include <c>\n*/\nint x; // /* not open\n"), IsEmpty());
    EXPECT_EQ(includesOf("/* one line */\n#include <d>\n").size(), 1u);
}

TEST(IncludesOf, survivesLinesThatOnlyLookLikeIncludes)
{
    EXPECT_THAT(includesOf("#include\n#include MACRO\n#include <unclosed\n#include \"unclosed\n#"), IsEmpty());
}

TEST(IncludeRules, acceptTheArrowsOfTheDesign)
{
    const std::vector<SourceFile> tree = {
        {"app/cli/main.cpp", "#include \"app/remote/node_client.h\"\n#include \"remote_server/load/load.h\"\n"},
        {"app/desktop/page.cpp", "#include \"app/remote/node_client.h\"\n#include \"widgets/timeline/view.h\"\n#include <QWidget>\n"},
        {"app/remote/client.cpp", "#include \"gantry/v1/node.pb.h\"\n#include <grpcpp/grpcpp.h>\n"},
        {"remote_server/capture/decode.cpp", "#include \"trace_model/records/chunk_format.h\"\n#include <cupti.h>\n"},
        {"trace_model/analysis/stats.cpp", "#include \"trace_model/trace/trace.h\"\n#include <vector>\n"},
        {"trace_model/report/database.cpp", "#include <sqlite3.h>\n"},
        {"widgets/timeline/view.cpp", "#include \"trace_model/trace/trace.h\"\n#include <QPainter>\n"},
    };
    EXPECT_THAT(violationsOf(tree), IsEmpty());
}

TEST(IncludeRules, refuseAnArrowThatPointsUp)
{
    EXPECT_THAT(violationsOfOneLine("trace_model/base/time.cpp", "#include \"trace_model/trace/trace.h\""),
                ElementsAre("trace_model/base/time.cpp:1: trace_model/base must not include \"trace_model/trace/trace.h\""));
    EXPECT_EQ(violationsOfOneLine("trace_model/report/a.cpp", "#include \"trace_model/trace/trace.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("trace_model/trace/a.cpp", "#include \"trace_model/analysis/stats.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("trace_model/trace/a.cpp", "#include \"widgets/timeline/view.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("widgets/timeline/a.cpp", "#include \"app/desktop/page.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("widgets/timeline/a.cpp", "#include \"remote_server/proto/convert.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("remote_server/node/a.cpp", "#include \"app/remote/client.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("remote_server/proto/a.cpp", "#include \"remote_server/node/x.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("app/desktop/a.cpp", "#include \"remote_server/node/capture_engine.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("app/remote/a.cpp", "#include \"app/desktop/page.h\"").size(), 1u);
}

TEST(IncludeRules, keepTheCommandLineToolFreeOfWidgets)
{
    EXPECT_EQ(violationsOfOneLine("app/cli/a.cpp", "#include \"widgets/theme/theme.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("app/cli/a.cpp", "#include <QString>").size(), 1u);
}

TEST(IncludeRules, keepTheCaptureLibraryFreeOfEverythingThatLinksALibrary)
{
    EXPECT_EQ(violationsOfOneLine("remote_server/capture/a.cpp", "#include \"trace_model/report/report_writer.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("remote_server/capture/a.cpp", "#include \"remote_server/proto/convert.h\"").size(), 1u);
    EXPECT_EQ(violationsOfOneLine("remote_server/capture/a.cpp", "#include <grpcpp/grpcpp.h>").size(), 1u);
}

TEST(IncludeRules, keepEachThirdPartyLibraryInItsFolders)
{
    EXPECT_THAT(violationsOfOneLine("trace_model/trace/a.cpp", "#include <QString>"), ElementsAre(HasSubstr("Qt")));
    EXPECT_THAT(violationsOfOneLine("trace_model/trace/a.cpp", "#include <sqlite3.h>"), ElementsAre(HasSubstr("SQLite")));
    EXPECT_THAT(violationsOfOneLine("remote_server/node/a.cpp", "#include <cupti.h>"), ElementsAre(HasSubstr("CUPTI")));
    EXPECT_THAT(violationsOfOneLine("app/desktop/a.cpp", "#include <cuda.h>"), ElementsAre(HasSubstr("CUDA")));
    EXPECT_THAT(violationsOfOneLine("app/desktop/a.cpp", "#include \"gantry/v1/node.pb.h\""), ElementsAre(HasSubstr("Protobuf")));
    EXPECT_THAT(violationsOfOneLine("app/cli/a.cpp", "#include <libssh/libssh.h>"), ElementsAre(HasSubstr("libssh")));
}

TEST(IncludeRules, keepProtobufTypesOutOfTheClientsHeaders)
{
    EXPECT_THAT(violationsOfOneLine("app/remote/client.h", "#pragma once\n#include \"gantry/v1/node.pb.h\""),
                ElementsAre(HasSubstr("stays in source files")));
    EXPECT_THAT(violationsOfOneLine("app/remote/client.cpp", "#include \"gantry/v1/node.pb.h\""), IsEmpty());
}

TEST(IncludeRules, wantFullPathsFromTheRoot)
{
    EXPECT_THAT(violationsOfOneLine("trace_model/base/time.cpp", "#include \"time.h\""), ElementsAre(HasSubstr("full path")));
    EXPECT_THAT(violationsOfOneLine("widgets/timeline/view.cpp", "#include \"view.moc\""), IsEmpty());
    EXPECT_THAT(violationsOfOneLine("app/cli/main.cpp", "#include \"tests/support/tree.h\""), ElementsAre(HasSubstr("tests")));
}

TEST(IncludeRules, wantTheOwnHeaderFirst)
{
    const SourceFile header{"trace_model/base/time.h", "#pragma once\n"};
    EXPECT_THAT(violationsOf({header, {"trace_model/base/time.cpp", "#include <vector>\n#include \"trace_model/base/time.h\"\n"}}),
                ElementsAre("trace_model/base/time.cpp: does not include its own header first"));
    EXPECT_THAT(violationsOf({header, {"trace_model/base/time.cpp", "#include \"trace_model/base/time.h\"\n#include <vector>\n"}}),
                IsEmpty());
}

TEST(IncludeRules, wantPragmaOnceInHeaders)
{
    EXPECT_THAT(violationsOf(SourceFile{"app/desktop/a.h", "int x;\n"}, false), ElementsAre("app/desktop/a.h: has no #pragma once"));
}

TEST(IncludeRules, reportAFileThatIsInNoLayer)
{
    EXPECT_THAT(violationsOf(SourceFile{"trace_model/new_folder/a.cpp", ""}, false), ElementsAre(HasSubstr("in no layer")));
}

TEST(Architecture, everyIncludeOfTheTreeFollowsTheLayers)
{
    const std::vector<SourceFile> tree = readTree(GANTRY_SOURCE_DIR);
    ASSERT_GT(tree.size(), 20u) << "the tree was not read";
    std::string all;
    for (const std::string& violation : violationsOf(tree))
        all += "\n  " + violation;
    EXPECT_EQ(all, "");
}
