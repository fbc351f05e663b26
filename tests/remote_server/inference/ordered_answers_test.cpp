#include "remote_server/inference/ordered_answers.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace gantry::inference_server {
namespace {

TEST(OrderedAnswers, HoldsBackWhatIsReadyBeforeItsTurn)
{
    OrderedAnswers order;
    std::string answers;
    const auto first = order.takeNumber(), second = order.takeNumber(), third = order.takeNumber();
    order.answer(third, [&] { answers += '3'; });
    EXPECT_EQ(answers, "");
    order.answer(first, [&] { answers += '1'; });
    EXPECT_EQ(answers, "1");
    order.answer(second, [&] { answers += '2'; });
    EXPECT_EQ(answers, "123");
}

TEST(OrderedAnswers, AnAnswerMayBringTheNext)
{
    OrderedAnswers order;
    std::string answers;
    const auto first = order.takeNumber(), second = order.takeNumber();
    order.answer(first, [&] {
        order.answer(second, [&] { answers += '2'; });
        answers += '1';
    });
    EXPECT_EQ(answers, "12");
}

TEST(OrderedAnswers, KeepsTheOrderOfManyThreads)
{
    OrderedAnswers order;
    std::vector<std::uint64_t> answers;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int turn = 0; turn < 2'000; ++turn) {
                    const auto number = order.takeNumber();
                    order.answer(number, [&answers, number] { answers.push_back(number); });
                }
            });
    }
    ASSERT_EQ(answers.size(), 8'000u);
    for (std::size_t i = 0; i < answers.size(); ++i)
        ASSERT_EQ(answers[i], i + 1);
}

} // namespace
} // namespace gantry::inference_server
