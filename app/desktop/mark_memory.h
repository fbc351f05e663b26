#pragma once

namespace gantry::desktop {

class ReportPage;
class Settings;

/// Gives a page the marks that the user left on its files, and keeps what becomes of them: nobody has to save a view so as not to lose a
/// note. `settings` outlive the page. UI thread.
void rememberMarks(ReportPage& page, Settings& settings);

} // namespace gantry::desktop
