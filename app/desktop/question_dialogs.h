#pragma once

#include "app/desktop/connect_talk.h"

#include <QDialog>

#include <memory>

namespace gantry::desktop {

/// The question of a connection as a dialog, which gives the answer to it: whether a host's key is right, or a secret. Closing the dialog
/// in any other way is "no" or "no answer". UI thread.
[[nodiscard]] QDialog* makeQuestionDialog(std::shared_ptr<PersonQuestion> question, QWidget* parent);

} // namespace gantry::desktop
