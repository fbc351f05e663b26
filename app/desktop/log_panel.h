#pragma once

#include "remote_server/proto/node_types.h"

#include <QWidget>

#include <cstddef>
#include <vector>

class QPlainTextEdit;

namespace gantry::desktop {

/// The tail of the node's log, newest line last. Follows the end unless the user scrolled up; keeps a bounded number of lines.
class LogPanel : public QWidget
{
    Q_OBJECT

public:
    explicit LogPanel(QWidget* parent = nullptr);

    /// `dropped`: lines lost on the way to the window since the last call.
    void append(const std::vector<proto::LogLine>& lines, std::size_t dropped);
    void clear();

private:
    QPlainTextEdit* m_text;
};

} // namespace gantry::desktop
