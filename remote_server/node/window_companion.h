#pragma once

namespace gantry::node {

struct WindowCapture;

/// Something that records beside the capture library for as long as a capture goes on, and has its part in each report. Ends with its
/// object, which may take a moment. Any thread.
class WindowCompanion
{
public:
    virtual ~WindowCompanion() = default;

    /// Adds what belongs to a window that is closed. Blocks until that is there.
    virtual void addTo(WindowCapture& window) = 0;
};

} // namespace gantry::node
