#pragma once

#include "trace_model/base/result.h"

#include <QCoreApplication>
#include <QMetaObject>
#include <QObject>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace gantry::desktop {

/// One endless stream of a node (metrics, log) on a thread of its own, delivered to the UI thread in groups: what arrived while
/// the UI thread was busy comes with the next event loop turn. Lives in the UI thread; destroying it stops the thread and drops
/// what was not delivered.
///
/// The inbox is bounded: a UI thread that is busy for long loses the oldest items, and is told how many.
template <typename Item>
class StreamFeed
{
public:
    /// Reads the stream until the token asks it to stop; calls `emit` for each item. Runs on the feed's thread.
    using Source = std::function<Result<void>(const std::function<void(const Item&)>& emit, std::stop_token stop)>;
    /// Items in order of arrival, and how many older ones were dropped since the last call.
    using ItemsHandler = std::function<void(std::vector<Item> items, std::size_t dropped)>;
    /// The stream ended by itself; not called after destruction.
    using EndHandler = std::function<void(Result<void> how)>;

    static constexpr std::size_t kInboxSize = 4096;

    StreamFeed(Source source, ItemsHandler onItems, EndHandler onEnd) :
        m_inbox(std::make_shared<Inbox>()),
        m_receiver(new QObject)
    {
        m_thread = std::jthread([source = std::move(source), onItems = std::move(onItems), onEnd = std::move(onEnd), inbox = m_inbox,
                                 receiver = m_receiver](std::stop_token stop) {
            Result<void> how = source(
                [&](const Item& item) {
                    if (!inbox->push(item))
                        return;
                    QMetaObject::invokeMethod(receiver, [inbox, onItems] {
                        auto [items, dropped] = inbox->take();
                        onItems(std::move(items), dropped);
                    }, Qt::QueuedConnection);
                },
                stop);
            if (!stop.stop_requested())
                QMetaObject::invokeMethod(receiver, [onEnd, how = std::move(how)] { onEnd(how); }, Qt::QueuedConnection);
        });
    }

    ~StreamFeed()
    {
        m_thread.request_stop();
        m_thread.join(); // before the receiver goes: the thread posts to it
        // Later, because the feed may be destroyed from a handler, that is, from within an event of the receiver.
        QCoreApplication::removePostedEvents(m_receiver);
        m_receiver->deleteLater();
    }

    StreamFeed(const StreamFeed&) = delete;
    StreamFeed& operator=(const StreamFeed&) = delete;

private:
    struct Inbox
    {
        /// True when the caller has to post a delivery.
        bool push(const Item& item)
        {
            const std::scoped_lock lock(mutex);
            if (items.size() == kInboxSize) {
                items.pop_front();
                ++dropped;
            }
            items.push_back(item);
            return !std::exchange(posted, true);
        }

        std::pair<std::vector<Item>, std::size_t> take()
        {
            const std::scoped_lock lock(mutex);
            posted = false;
            std::vector<Item> taken(std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
            items.clear();
            return {std::move(taken), std::exchange(dropped, 0)};
        }

        std::mutex mutex;
        std::deque<Item> items;
        std::size_t dropped = 0;
        bool posted = false;
    };

    std::shared_ptr<Inbox> m_inbox;
    QObject* m_receiver;
    std::jthread m_thread;
};

} // namespace gantry::desktop
