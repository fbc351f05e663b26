#pragma once

#include "app/desktop/keyring.h"

#include <QObject>
#include <QString>
#include <QTimer>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace gantry::desktop_test {

/// A keyring in memory, which answers as late as a real one does.
class MemoryKeyring : public desktop::Keyring
{
public:
    struct Drawer
    {
        bool isThere = true;
        std::map<QString, std::string> secrets;
    };
    explicit MemoryKeyring(std::shared_ptr<Drawer> drawer) : m_drawer(std::move(drawer)) {}

    void find(const QString& key, std::function<void(Found)> onFound) override
    {
        QTimer::singleShot(0, &m_life, [this, key, onFound = std::move(onFound)] {
            Found found{m_drawer->isThere, {}};
            if (const auto secret = m_drawer->secrets.find(key); secret != m_drawer->secrets.end())
                found.secret.emplace(secret->second);
            onFound(std::move(found));
        });
    }
    void keep(const QString& key, const app::Secret& secret, std::function<void(const QString&)>) override
    {
        m_drawer->secrets[key] = secret.text();
    }
    void forget(const QString& key) override { m_drawer->secrets.erase(key); }

private:
    std::shared_ptr<Drawer> m_drawer;
    QObject m_life;
};

} // namespace gantry::desktop_test
