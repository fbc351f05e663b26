#include "remote_server/node/server_probe.h"

#include "tests/support/temporary_folder.h"

#include "inference/grpc_service.grpc.pb.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>

namespace gantry::node {
namespace {

/// A KServe v2 server with a model that is loaded and one that failed to load.
class ModelServer final : public inference::GRPCInferenceService::Service
{
public:
    explicit ModelServer(bool ready = true) : m_ready(ready)
    {
        grpc::ServerBuilder builder;
        builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
        builder.RegisterService(this);
        m_server = builder.BuildAndStart();
    }

    [[nodiscard]] std::string address() const { return "unix:" + (m_folder / "server.sock").string(); }
    [[nodiscard]] int metadataCalls() const { return m_metadataCalls; }

    grpc::Status ServerReady(grpc::ServerContext*, const inference::ServerReadyRequest*, inference::ServerReadyResponse* reply) override
    {
        reply->set_ready(m_ready);
        return grpc::Status::OK;
    }
    grpc::Status RepositoryIndex(grpc::ServerContext*, const inference::RepositoryIndexRequest*,
                                 inference::RepositoryIndexResponse* reply) override
    {
        auto* model = reply->add_models();
        model->set_name("bert");
        model->set_version("1");
        model->set_state("READY");
        model = reply->add_models();
        model->set_name("broken");
        model->set_version("1");
        model->set_state("UNAVAILABLE");
        model->set_reason("no weights");
        return grpc::Status::OK;
    }
    grpc::Status ModelMetadata(grpc::ServerContext*, const inference::ModelMetadataRequest* request,
                               inference::ModelMetadataResponse* reply) override
    {
        ++m_metadataCalls;
        reply->set_platform("platform of " + request->name() + ":" + request->version());
        return grpc::Status::OK;
    }

private:
    test::TemporaryFolder m_folder;
    bool m_ready;
    std::atomic<int> m_metadataCalls{0};
    std::unique_ptr<grpc::Server> m_server;
};

TEST(ServerProbe, ListsTheModelsOfAServerWithTheirPlatforms)
{
    const ModelServer server;
    const auto models = readyModels(server.address(), {});
    ASSERT_TRUE(models);
    ASSERT_EQ(models->size(), 2U);
    EXPECT_EQ((*models)[0].name, "bert");
    EXPECT_EQ((*models)[0].state, "READY");
    EXPECT_EQ((*models)[0].platform, "platform of bert:1");
    EXPECT_EQ((*models)[1].state, "UNAVAILABLE");
    EXPECT_EQ((*models)[1].platform, "") << "the reason that it is not loaded is no platform";
}

TEST(ServerProbe, AsksForThePlatformOfAModelOnce)
{
    const ModelServer server;
    const auto first = readyModels(server.address(), {});
    ASSERT_TRUE(first);
    const auto second = readyModels(server.address(), *first);
    ASSERT_TRUE(second);
    EXPECT_EQ((*second)[0].platform, "platform of bert:1");
    EXPECT_EQ(server.metadataCalls(), 1);
}

TEST(ServerProbe, SaysNothingOfAServerThatIsNotReadyOrDoesNotAnswer)
{
    const ModelServer server(false);
    EXPECT_FALSE(readyModels(server.address(), {}));
    const test::TemporaryFolder empty;
    EXPECT_FALSE(readyModels("unix:" + (empty / "nobody.sock").string(), {}));
}

} // namespace
} // namespace gantry::node
