#include "app/desktop/search_box.h"

namespace gantry::desktop {

SearchBox::SearchBox(QWidget* parent) : FilterEdit(parent)
{
    setObjectName(QStringLiteral("searchBox"));
    setPlaceholderText(tr("name, /regex/, dur>50us stream=7…"));
    setToolTip(tr("<p>Find events (F) by name, <code>/regex/</code>, <code>~fuzzy</code>, and by what they are. Terms separated by "
                  "spaces must all be met.</p>") +
               widgets::filterHelp());
    setAccessibleName(tr("Find events"));
    connect(this, &QLineEdit::returnPressed, this, &SearchBox::stepRequested); // after the base, which has asked for the search
}

} // namespace gantry::desktop
