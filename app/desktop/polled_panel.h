#pragma once

#include "app/desktop/node_panel.h"
#include "app/jobs/job_slot.h"

#include <QTimer>

#include <chrono>
#include <functional>
#include <utility>

class QTableView;

namespace gantry::desktop {

class MessageBar;

/// A tab of a node's page that asks the node again and again while it is seen. What the node says against something that the person
/// wanted stands in a bar over it. UI thread.
class PolledPanel : public NodePanel
{
    Q_OBJECT

public:
    ~PolledPanel() override;

    [[nodiscard]] MessageBar& messages() const { return *m_messages; }

protected:
    PolledPanel(NodeController& node, jobs::JobRunner& runner, std::chrono::milliseconds interval, QWidget* parent = nullptr);

    void setContent(QWidget& content);

    /// Puts `question` (Result<T>(app::NodeClient&, const std::stop_token&)) to the node on a job, now and once per interval; the notice
    /// stands until there is something to show, and `show` (void(T)) gets each answer. An error takes the place of the content and ends
    /// the asking until the person tries again.
    template <typename Question, typename Show>
    void poll(const QString& notice, Question question, Show show)
    {
        const auto client = this->client();
        if (!client || !beginAsking(notice))
            return;
        m_slot.run([client, question = std::move(question)](const jobs::JobContext& context) { return question(*client, context.stop()); },
                   [this, show = std::move(show)](auto answer) {
                       if (answer)
                           return show(std::move(*answer));
                       stopAsking();
                       showFailure(answer.error());
                   });
    }

    /// Something that the person wants of the node; what it says against it follows `complaint` ("The alert was not changed.") in the bar.
    /// What is shown is asked for again after it, `done` runs where it went well.
    void perform(NodeController::Work work, const QString& complaint, std::function<void()> done = {});
    /// The first time that there are rows: columns as wide as what they hold. Later widths are the person's.
    void fitOnce(QTableView& table);

    void stopAsking() override;
    void hideEvent(QHideEvent* event) override;

private:
    /// False: an answer is still awaited; a slow node is not asked again before it has answered.
    [[nodiscard]] bool beginAsking(const QString& notice);
    void onPerformed(const QString& complaint, const Result<void>& how);

    MessageBar* m_messages;
    QTimer m_timer;
    jobs::JobSlot m_slot;
    bool m_isFitted = false;
};

} // namespace gantry::desktop
