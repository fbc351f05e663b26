#pragma once

#include "widgets/tables/filter_edit.h"

namespace gantry::desktop {

/// Where people type what to look for in the report in front. UI thread.
class SearchBox : public widgets::FilterEdit
{
    Q_OBJECT

public:
    explicit SearchBox(QWidget* parent = nullptr);

signals:
    /// Return: to the first match.
    void stepRequested();
};

} // namespace gantry::desktop
