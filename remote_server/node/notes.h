#pragma once

#include <string>
#include <string_view>

namespace gantry::node {

/// Adds a sentence for the user to those that there are, once. An empty one adds nothing.
inline void addNote(std::string& notes, std::string_view sentence)
{
    if (sentence.empty() || notes.find(sentence) != std::string::npos)
        return;
    notes += notes.empty() ? "" : "; ";
    notes += sentence;
}

} // namespace gantry::node
