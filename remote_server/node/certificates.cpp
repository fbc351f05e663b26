#include "remote_server/node/certificates.h"

#include "trace_model/base/unique_fd.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace gantry::node {
namespace {

constexpr int kAuthorityDays = 3650;
constexpr long kSecondsOfDay = 24 * 60 * 60;
constexpr long kClockSkewS = 60 * 60; ///< of clients: good since an hour ago
constexpr int kSerialBits = 127;      ///< RFC 5280, 4.1.2.2: positive, and hard to guess

template <auto release>
struct Release
{
    template <typename T>
    void operator()(T* object) const
    {
        release(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using File = std::unique_ptr<std::FILE, Release<std::fclose>>;

/// A certificate with its private key.
struct Identity
{
    Certificate certificate;
    Key key;
};

Error cryptoError(const char* doing)
{
    return Error{ErrorCode::Internal, std::string("OpenSSL failed at ") + doing, {}};
}

bool addExtension(X509& certificate, X509& issuer, int nid, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

struct Extension
{
    int nid;
    std::string value;
};

/// Signed by `issuer`, or by itself where that is null.
Result<Identity> makeIdentity(const std::string& name, int days, const Identity* issuer, const std::vector<Extension>& extensions)
{
    Identity made{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
    X509* x = made.certificate.get();
    const std::unique_ptr<BIGNUM, Release<BN_free>> serial(BN_new());
    if (!x || !made.key || !serial || BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1)
        return cryptoError("making a key");
    X509_NAME* subject = X509_get_subject_name(x);
    X509* signer = issuer ? issuer->certificate.get() : x;
    bool isGood =
        X509_set_version(x, X509_VERSION_3) == 1 && BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x)) &&
        X509_gmtime_adj(X509_getm_notBefore(x), -kClockSkewS) && X509_gmtime_adj(X509_getm_notAfter(x), days * kSecondsOfDay) &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1 &&
        X509_set_issuer_name(x, X509_get_subject_name(signer)) == 1 && X509_set_pubkey(x, made.key.get()) == 1;
    for (const Extension& extension : extensions)
        isGood = isGood && addExtension(*x, *signer, extension.nid, extension.value);
    if (!isGood || X509_sign(x, issuer ? issuer->key.get() : made.key.get(), EVP_sha256()) == 0)
        return cryptoError("making a certificate");
    return made;
}

/// A new file, opened for this user alone or for all to read.
Result<File> newFile(const std::filesystem::path& path, mode_t mode)
{
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd && errno == EEXIST)
        return Error{ErrorCode::CannotWrite,
                     path.string() + " exists already: move it away to have a new one made (the authority in ca.pem and ca.key stays)",
                     {}};
    if (!fd)
        return errnoError(errno, "cannot write " + path.string());
    return File(::fdopen(fd.release(), "w"));
}

Result<void> write(const Identity& identity, const std::filesystem::path& folder, const std::string& name)
{
    GANTRY_TRY(const File key, newFile(folder / (name + ".key"), 0600));
    GANTRY_TRY(const File certificate, newFile(folder / (name + ".pem"), 0644));
    if (PEM_write_PrivateKey(key.get(), identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
        PEM_write_X509(certificate.get(), identity.certificate.get()) != 1 || std::fflush(key.get()) != 0 ||
        std::fflush(certificate.get()) != 0)
        return errnoError(errno, "cannot write " + (folder / (name + ".pem")).string());
    return {};
}

Result<Certificate> readCertificate(const std::filesystem::path& path)
{
    const File file(std::fopen(path.c_str(), "re"));
    Certificate certificate(file ? PEM_read_X509(file.get(), nullptr, nullptr, nullptr) : nullptr);
    if (!certificate)
        return Error{ErrorCode::BadInput, "there is no certificate (PEM) to be read in " + path.string(), {}};
    return certificate;
}

/// The authority of the folder, which is made where there is none.
Result<Identity> authorityIn(const std::filesystem::path& folder)
{
    if (!std::filesystem::exists(folder / "ca.pem") && !std::filesystem::exists(folder / "ca.key")) {
        GANTRY_TRY(Identity made, makeIdentity("Gantry node authority", kAuthorityDays, nullptr,
                                               {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                                {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                                {NID_subject_key_identifier, "hash"}}));
        GANTRY_CHECK(write(made, folder, "ca"));
        return made;
    }
    GANTRY_TRY(Certificate certificate, readCertificate(folder / "ca.pem"));
    const File file(std::fopen((folder / "ca.key").c_str(), "re"));
    Key key(file ? PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr) : nullptr);
    if (!key || X509_check_private_key(certificate.get(), key.get()) != 1)
        return Error{ErrorCode::BadInput, (folder / "ca.key").string() + " is not the private key of ca.pem beside it", {}};
    return Identity{std::move(certificate), std::move(key)};
}

/// As OpenSSL's configuration says it, whose separators no host has.
Result<std::string> alternativeNames(const std::vector<std::string>& hosts)
{
    std::string names;
    for (const std::string& host : hosts) {
        in6_addr address{};
        const bool isAddress = ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
        const bool isName = !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '*';
        });
        if (!isAddress && !isName)
            return Error{ErrorCode::BadInput, "'" + host + "' is neither a host's name nor an address: give it without a port", {}};
        names += (names.empty() ? "" : ",") + std::string(isAddress ? "IP:" : "DNS:") + host;
    }
    return names;
}

} // namespace

Result<void> makeCertificates(const CertificateRequest& request)
{
    if (request.hosts.empty() || request.days < 1 || request.days > kAuthorityDays)
        return Error{ErrorCode::BadInput, "a certificate needs a host, and 1 to " + std::to_string(kAuthorityDays) + " days", {}};
    GANTRY_TRY(const std::string names, alternativeNames(request.hosts));
    std::error_code failure;
    if (std::filesystem::create_directories(request.folder, failure))
        ::chmod(request.folder.c_str(), 0700);
    if (failure)
        return Error{ErrorCode::CannotWrite, "cannot make the folder " + request.folder.string() + ": " + failure.message(), {}};
    GANTRY_TRY(const Identity authority, authorityIn(request.folder));
    const auto extensionsFor = [](const char* purpose) {
        return std::vector<Extension>{{NID_basic_constraints, "critical,CA:FALSE"},
                                      {NID_key_usage, "critical,digitalSignature"},
                                      {NID_ext_key_usage, purpose},
                                      {NID_authority_key_identifier, "keyid"}};
    };
    std::vector<Extension> ofNode = extensionsFor("serverAuth");
    ofNode.push_back({NID_subject_alt_name, names});
    GANTRY_TRY(const Identity node, makeIdentity(request.hosts.front(), request.days, &authority, ofNode));
    GANTRY_TRY(const Identity client, makeIdentity("Gantry client", request.days, &authority, extensionsFor("clientAuth")));
    GANTRY_CHECK(write(node, request.folder, "node"));
    return write(client, request.folder, "client");
}

Result<std::int64_t> daysLeft(const std::filesystem::path& path)
{
    GANTRY_TRY(const Certificate certificate, readCertificate(path));
    int days = 0, seconds = 0;
    if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1)
        return Error{ErrorCode::BadInput, "the certificate " + path.string() + " does not say until when it is good", {}};
    return seconds < 0 ? std::int64_t{days} - 1 : std::int64_t{days};
}

} // namespace gantry::node
