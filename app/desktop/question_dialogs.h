#pragma once

#include "app/desktop/connect_talk.h"

#include <QDialog>

#include <functional>
#include <memory>

namespace gantry::desktop {

/// Called with an answer that the person wants to be kept in the keyring.
using OnKeep = std::function<void(const app::Secret& secret)>;

/// The question of a connection as a dialog, which gives the answer to it: whether a host's key is right, or a secret. Closing the dialog
/// in any other way is "no" or "no answer". `onKeep` empty: keeping a secret is not offered. UI thread.
[[nodiscard]] QDialog* makeQuestionDialog(std::shared_ptr<PersonQuestion> question, QWidget* parent, OnKeep onKeep = {});

} // namespace gantry::desktop
