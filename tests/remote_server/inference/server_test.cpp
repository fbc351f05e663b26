#include "remote_server/inference/server.h"

#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace gantry::inference_server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Server : public testing::Test
{
protected:
    void start(ServerOptions options)
    {
        options.backend.allowGpu = false;
        auto server = InferenceServer::load(m_repository.path(), options);
        ASSERT_TRUE(server) << server.error().text();
        m_server = std::move(*server);
    }

    /// "name version state reason" of each.
    [[nodiscard]] std::vector<std::string> index(bool readyOnly = false) const
    {
        std::vector<std::string> lines;
        for (const IndexEntry& entry : m_server->index(readyOnly))
            lines.push_back(entry.name + " " + entry.version + " " + entry.state + (entry.reason.empty() ? "" : " " + entry.reason));
        return lines;
    }

    TestRepository m_repository;
    std::unique_ptr<InferenceServer> m_server;
};

TEST_F(Server, LoadsNothingBeforeItIsAskedToInExplicitMode)
{
    m_repository.addAddSub("m");
    start({.control = ModelControl::Explicit});
    EXPECT_EQ(m_server->find("m", ""), nullptr);
    EXPECT_THAT(index(), ElementsAre("m  ")) << "it is there, and was never loaded";
    ASSERT_TRUE(m_server->loadModel("m", std::nullopt, {}));
    ASSERT_NE(m_server->find("m", ""), nullptr);
    EXPECT_EQ(m_server->find("m", "1"), m_server->find("m", ""));
    EXPECT_EQ(m_server->find("m", "2"), nullptr);
    EXPECT_THAT(index(true), ElementsAre("m 1 READY"));
    EXPECT_EQ(m_server->serving().size(), 1u);
}

TEST_F(Server, LoadsTheModelsThatAreNamedAtTheStart)
{
    for (const char* name : {"a", "b", "c"})
        m_repository.addAddSub(name);
    start({.control = ModelControl::Explicit, .startupModels = {"a", "c"}});
    EXPECT_THAT(index(true), ElementsAre("a 1 READY", "c 1 READY"));
    start({.control = ModelControl::Explicit, .startupModels = {"*"}});
    EXPECT_THAT(index(true), ElementsAre("a 1 READY", "b 1 READY", "c 1 READY"));
}

TEST_F(Server, RefusesToLoadAndUnloadWhereTheRepositoryDecides)
{
    m_repository.addAddSub("m");
    start({});
    for (const auto& refused : {m_server->loadModel("m", std::nullopt, {}), m_server->unloadModel("m")}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::Unreachable);
        EXPECT_EQ(refused.error().text(), "explicit model load / unload is not allowed if polling is enabled");
    }
    EXPECT_THAT(index(), ElementsAre("m 1 READY"));
}

TEST_F(Server, SaysWhyAModelIsNotThere)
{
    m_repository.add("broken", "max_batch_size: -1");
    start({.control = ModelControl::Explicit});
    const auto unknown = m_server->loadModel("unknown", std::nullopt, {});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().text(), "failed to load 'unknown', failed to poll from model repository");
    const auto broken = m_server->loadModel("broken", std::nullopt, {});
    ASSERT_FALSE(broken);
    EXPECT_THAT(broken.error().text(), HasSubstr("max_batch_size: it is negative"));
    EXPECT_THAT(index(), ElementsAre(HasSubstr("broken  UNAVAILABLE ")));
    EXPECT_FALSE(m_server->unloadModel("unknown"));
}

TEST_F(Server, AnUnloadedModelAnswersWhatItTookAndNothingElse)
{
    m_repository.addAddSub("m", "dynamic_batching { max_queue_delay_microseconds: 3600000000 }");
    start({.control = ModelControl::Explicit, .startupModels = {"m"}});
    const auto model = m_server->find("m", "");
    const auto job = [](std::promise<bool>& answer) {
        auto made = std::make_unique<InferJob>();
        for (const char* name : {"INPUT0", "INPUT1"})
            made->inputs.push_back({name, inference::TYPE_INT32, {1, 4}, std::string(16, '\0')});
        made->done = [&answer](InferJob&, const Result<void>& result) { answer.set_value(result.hasValue()); };
        return made;
    };
    std::promise<bool> taken, late;
    model->enqueue(job(taken));
    ASSERT_TRUE(m_server->unloadModel("m"));
    EXPECT_EQ(m_server->find("m", ""), nullptr);
    EXPECT_TRUE(taken.get_future().get());
    ASSERT_TRUE(test::eventually([&] { return index() == std::vector<std::string>{"m 1 UNAVAILABLE unloaded"}; }));
    model->enqueue(job(late));
    EXPECT_FALSE(late.get_future().get());
    EXPECT_THAT(index(true), IsEmpty());
}

TEST_F(Server, AReloadThatFailsLeavesWhatServed)
{
    m_repository.addAddSub("m");
    start({.control = ModelControl::Explicit, .startupModels = {"m"}});
    const auto before = m_server->find("m", "");
    m_repository.add("m", "max_batch_size: oops");
    EXPECT_FALSE(m_server->loadModel("m", std::nullopt, {}));
    EXPECT_EQ(m_server->find("m", ""), before);
    EXPECT_THAT(index(), ElementsAre("m 1 READY"));
    m_repository.addAddSub("m");
    EXPECT_TRUE(m_server->loadModel("m", std::nullopt, {}));
    EXPECT_NE(m_server->find("m", ""), before);
}

TEST_F(Server, ServesSeveralVersionsSideBySide)
{
    m_repository.addAddSub("m", "version_policy { all { } }");
    for (const char* version : {"2", "10"})
        std::filesystem::create_directories(m_repository.path() / "m" / version);
    start({});
    EXPECT_THAT(index(), ElementsAre("m 1 READY", "m 2 READY", "m 10 READY"));
    EXPECT_EQ(m_server->find("m", ""), m_server->find("m", "10")) << "the highest, by number";
    EXPECT_NE(m_server->find("m", "1"), m_server->find("m", "2"));
    EXPECT_EQ(m_server->find("m", "1")->description().version, "1");
}

TEST_F(Server, AReloadTakesOutVersionsThatThePolicyNoLongerWants)
{
    m_repository.addAddSub("m", "version_policy { all { } }");
    std::filesystem::create_directories(m_repository.path() / "m" / "2");
    start({.control = ModelControl::Explicit, .startupModels = {"m"}});
    m_repository.addAddSub("m", "version_policy { specific { versions: 2 } }");
    ASSERT_TRUE(m_server->loadModel("m", std::nullopt, {}));
    EXPECT_THAT(index(), ElementsAre("m 1 UNAVAILABLE unloaded", "m 2 READY"));
    EXPECT_EQ(m_server->find("m", "1"), nullptr);
}

TEST_F(Server, TakesAnotherConfigurationWithARequestToLoad)
{
    m_repository.addAddSub("m");
    start({.control = ModelControl::Explicit, .startupModels = {"m"}});
    inference::ModelConfig config = m_server->find("m", "")->description().config;
    config.set_max_batch_size(3);
    ASSERT_TRUE(m_server->loadModel("m", config, {}));
    EXPECT_EQ(m_server->find("m", "")->description().config.max_batch_size(), 3);
    config.set_max_batch_size(-3);
    const auto refused = m_server->loadModel("m", config, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text(), "load parameter 'config': max_batch_size: it is negative");
    EXPECT_EQ(m_server->find("m", "")->description().config.max_batch_size(), 3) << "what served goes on";
    ASSERT_TRUE(m_server->loadModel("m", std::nullopt, {}));
    EXPECT_EQ(m_server->find("m", "")->description().config.max_batch_size(), 8) << "the repository's again";
}

TEST_F(Server, TakesAModelThatIsInNoRepository)
{
    start({.control = ModelControl::Explicit});
    inference::ModelConfig config;
    config.set_backend("add_sub");
    EXPECT_FALSE(m_server->loadModel("m", std::nullopt, {{"5/weights", "x"}})) << "files alone say nothing";
    ASSERT_TRUE(m_server->loadModel("m", config, {{"5/weights", "x"}}));
    EXPECT_THAT(index(), ElementsAre("m 5 READY"));
}

TEST_F(Server, SaysWhichVersionDoesNotStartAndWhereItsConfigurationIs)
{
    m_repository.add("m", R"(backend: "add_sub" max_batch_size: 1 input { name: "A" data_type: TYPE_FP32 dims: 1 })");
    start({.control = ModelControl::Explicit});
    const auto refused = m_server->loadModel("m", std::nullopt, {});
    ASSERT_FALSE(refused);
    const std::string file = (m_repository.path() / "m" / "config.pbtxt").string();
    EXPECT_EQ(refused.error().text(),
              "load failed for model 'm': version 1 is at UNAVAILABLE state: " + file + ": add_sub needs two inputs and two outputs");
    EXPECT_THAT(index(), ElementsAre("m 1 UNAVAILABLE " + file + ": add_sub needs two inputs and two outputs"));
}

// The server said that it was ready, and nothing of the model.
TEST_F(Server, AModelThatIsNamedAtTheStartAndDoesNotLoadIsAnErrorUnlessToldOtherwise)
{
    m_repository.addAddSub("good");
    m_repository.add("broken", "oops");
    for (const char* name : {"nosuch", "broken"}) {
        ServerOptions options{.control = ModelControl::Explicit, .startupModels = {"good", name}};
        const auto refused = InferenceServer::load(m_repository.path(), options);
        ASSERT_FALSE(refused) << name;
        EXPECT_THAT(refused.error().text(), HasSubstr(name));
        options.exitOnError = false;
        const auto server = InferenceServer::load(m_repository.path(), options);
        ASSERT_TRUE(server) << server.error().text();
        EXPECT_NE((*server)->find("good", ""), nullptr);
        EXPECT_FALSE((*server)->isReady());
    }
}

TEST_F(Server, IsReadyWhenAllThatWasToBeLoadedServes)
{
    m_repository.addAddSub("m");
    start({});
    EXPECT_TRUE(m_server->isReady());
    start({.control = ModelControl::Explicit, .startupModels = {"m"}});
    ASSERT_TRUE(m_server->unloadModel("m"));
    EXPECT_TRUE(m_server->isReady()) << "somebody wanted it so";
    m_repository.add("broken", "oops");
    start({});
    EXPECT_FALSE(m_server->isReady());
    start({.strictReadiness = false});
    EXPECT_TRUE(m_server->isReady());
}

// It served on the CPU and said KIND_GPU.
TEST_F(Server, TheConfigurationThatIsServedSaysWhereItIsServed)
{
    m_repository.addAddSub("m", "instance_group { kind: KIND_GPU gpus: [ 0 ] }");
    start({});
    const auto& group = m_server->find("m", "")->description().config.instance_group(0);
    EXPECT_EQ(group.kind(), inference::ModelInstanceGroup::KIND_CPU);
    EXPECT_TRUE(group.gpus().empty());
}

TEST_F(Server, PollingLoadsWhatIsNewAndChangedAndUnloadsWhatIsGone)
{
    m_repository.addAddSub("changes");
    m_repository.addAddSub("goes");
    m_repository.addAddSub("stays");
    start({.control = ModelControl::Poll, .pollInterval = std::chrono::hours(1)});
    const auto stays = m_server->find("stays", ""), changes = m_server->find("changes", "");
    m_server->poll();
    EXPECT_EQ(m_server->find("changes", ""), changes);

    m_repository.addAddSub("comes");
    m_repository.addAddSub("changes", "dynamic_batching { }");
    std::filesystem::remove_all(m_repository.path() / "goes");
    m_server->poll();
    EXPECT_NE(m_server->find("comes", ""), nullptr);
    EXPECT_TRUE(m_server->find("changes", "")->description().config.has_dynamic_batching());
    EXPECT_EQ(m_server->find("goes", ""), nullptr);
    EXPECT_EQ(m_server->find("stays", ""), stays);

    m_repository.add("changes", "oops");
    m_server->poll();
    EXPECT_TRUE(m_server->find("changes", "")->description().config.has_dynamic_batching()) << "what served goes on";
}

TEST_F(Server, PollsByItself)
{
    start({.control = ModelControl::Poll, .pollInterval = std::chrono::seconds(0)});
    m_repository.addAddSub("m");
    EXPECT_TRUE(test::eventually([&] { return m_server->find("m", "") != nullptr; }));
}

} // namespace
} // namespace gantry::inference_server
