#include "app/desktop/keyring.h"

#ifdef GANTRY_HAS_KEYCHAIN
#include <QObject>
#include <qt6keychain/keychain.h>
#endif

namespace gantry::desktop {

#ifdef GANTRY_HAS_KEYCHAIN

namespace {

const char kService[] = "Gantry";

/// Through QtKeychain, which knows the services of the common desktops.
class DesktopKeyring : public Keyring
{
public:
    void find(const QString& key, std::function<void(Found)> onFound) override
    {
        auto* job = new QKeychain::ReadPasswordJob(QString::fromLatin1(kService), &m_jobs);
        job->setKey(key);
        QObject::connect(job, &QKeychain::Job::finished, &m_jobs, [job, onFound = std::move(onFound)] {
            Found found;
            found.isThere = job->error() == QKeychain::NoError || job->error() == QKeychain::EntryNotFound;
            if (job->error() == QKeychain::NoError) {
                QByteArray data = job->binaryData();
                found.secret.emplace(std::string_view(data.constData(), static_cast<std::size_t>(data.size())));
                data.fill('\0'); // this copy; those of the library are its own
            }
            onFound(std::move(found));
        });
        job->start();
    }

    void keep(const QString& key, const app::Secret& secret, std::function<void(const QString&)> onFailed) override
    {
        auto* job = new QKeychain::WritePasswordJob(QString::fromLatin1(kService), &m_jobs);
        job->setKey(key);
        job->setBinaryData(QByteArray(secret.text().data(), static_cast<qsizetype>(secret.size())));
        QObject::connect(job, &QKeychain::Job::finished, &m_jobs, [job, onFailed = std::move(onFailed)] {
            if (job->error() != QKeychain::NoError)
                onFailed(job->errorString());
        });
        job->start();
    }

    void forget(const QString& key) override
    {
        auto* job = new QKeychain::DeletePasswordJob(QString::fromLatin1(kService), &m_jobs);
        job->setKey(key);
        job->start(); // what is not there need not be forgotten
    }

private:
    QObject m_jobs; ///< owns them until they are done
};

} // namespace

std::unique_ptr<Keyring> makeDesktopKeyring()
{
    return std::make_unique<DesktopKeyring>();
}

#else

std::unique_ptr<Keyring> makeDesktopKeyring()
{
    return nullptr;
}

#endif

} // namespace gantry::desktop
