#pragma once

#include "app/remote/ssh_prompter.h"

#include <deque>
#include <string>
#include <vector>

namespace gantry::test {

/// A person who gives the answers of a script, and keeps the questions.
class ScriptedPrompter : public app::SshPrompter
{
public:
    bool acceptsHostKeys = false;
    std::deque<std::string> secrets; ///< what is answered, in this order; then Cancelled

    std::vector<app::HostKeyQuestion> hostKeys;
    std::vector<app::SecretQuestion> questions;

    Result<bool> acceptHostKey(const app::HostKeyQuestion& question, std::stop_token) override
    {
        hostKeys.push_back(question);
        return acceptsHostKeys;
    }
    Result<app::Secret> secret(const app::SecretQuestion& question, std::stop_token) override
    {
        questions.push_back(question);
        if (secrets.empty())
            return Error{ErrorCode::Cancelled, "the person gave up", {}};
        const std::string answer = secrets.front();
        secrets.pop_front();
        return app::Secret(answer);
    }
};

} // namespace gantry::test
