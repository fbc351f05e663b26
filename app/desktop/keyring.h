#pragma once

#include "app/remote/secret.h"

#include <QString>

#include <functional>
#include <memory>
#include <optional>

namespace gantry::desktop {

/// Where the desktop keeps secrets between sessions (GNOME Keyring, KWallet, …). It may ask the person to unlock it, so that nothing here
/// waits for it. UI thread; nobody is called after it is destroyed.
class Keyring
{
public:
    struct Found
    {
        bool isThere = false; ///< a keyring has answered
        std::optional<app::Secret> secret;
    };

    virtual ~Keyring() = default;

    /// `onFound` is called once, later, unless no keyring ever answers.
    virtual void find(const QString& key, std::function<void(Found)> onFound) = 0;
    /// `onFailed` is called with a sentence if it could not be kept.
    virtual void keep(const QString& key, const app::Secret& secret, std::function<void(const QString& reason)> onFailed) = 0;
    virtual void forget(const QString& key) = 0;
};

/// That of this desktop. Null: this build has none.
[[nodiscard]] std::unique_ptr<Keyring> makeDesktopKeyring();

} // namespace gantry::desktop
