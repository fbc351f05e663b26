#pragma once

#include "app/desktop/launch_profile.h"
#include "app/desktop/node_entry.h"
#include "trace_model/base/time.h"
#include "widgets/theme/theme.h"

#include <QByteArray>
#include <QJsonArray>
#include <QJsonObject>
#include <QSettings>
#include <QString>
#include <QStringList>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace gantry::desktop {

using widgets::ColorScheme;

/// What the desktop remembers between starts, in one ini file. UI thread.
class Settings
{
public:
    /// `dataFolder`: where fetched reports and gantry.ini live. Empty: the user's own folders (~/.local/share/gantry for reports,
    /// ~/.config/gantry/gantry.ini). `file`: another ini file, for a run that must not change the user's.
    explicit Settings(const QString& dataFolder = {}, const QString& file = {});

    /// Where fetched reports of a node go, by its title, so that nodes of one name do not write the same files; characters that a folder
    /// name cannot hold become '_'.
    [[nodiscard]] std::filesystem::path reportFolder(const QString& nodeTitle) const;

    [[nodiscard]] ColorScheme colorScheme() const;
    void setColorScheme(ColorScheme scheme);

    [[nodiscard]] QByteArray windowGeometry() const;
    [[nodiscard]] QByteArray windowState() const;
    void setWindow(const QByteArray& geometry, const QByteArray& state);

    /// Newest first, at most ten.
    [[nodiscard]] QStringList recentReports() const;
    void addRecentReport(const QString& path);
    void clearRecentReports();

    /// Addresses connected to before, last used first, at most ten.
    [[nodiscard]] QStringList recentNodes() const;
    void addRecentNode(const QString& address);

    /// Nodes with a name, a group or tags, by name; one entry for each address.
    [[nodiscard]] std::vector<NodeEntry> nodeEntries() const;
    /// With nothing but an address where nothing is known of it.
    [[nodiscard]] NodeEntry nodeEntry(const QString& address) const;
    /// An entry without name, group and tags is removed.
    void setNodeEntry(const NodeEntry& entry);
    /// Neither named nor connected to before.
    void forgetNode(const QString& address);

    /// Length of a capture window; 0: until stopped. 2 s at first.
    [[nodiscard]] DurationNs captureDuration() const;
    void setCaptureDuration(DurationNs duration);
    /// The last options of a capture, as toJson(CaptureOptions) has them.
    [[nodiscard]] QJsonObject captureOptions() const;
    void setCaptureOptions(const QJsonObject& options);
    /// By name.
    [[nodiscard]] std::vector<LaunchProfile> launchProfiles() const;
    /// In the place of the one with its name; the values of its secrets are not kept.
    void setLaunchProfile(const LaunchProfile& profile);
    void removeLaunchProfile(const QString& name);
    /// What this machine runs when rules of nodes fire, as AlertCommands has it.
    [[nodiscard]] QJsonArray alertCommands() const;
    void setAlertCommands(const QJsonArray& commands);
    /// How far the flight recorder reaches back, 30 s at first, and how much it holds at most, 256 MiB at first.
    [[nodiscard]] DurationNs recorderKeeps() const;
    [[nodiscard]] std::uint64_t recorderBytes() const;
    void setRecorder(DurationNs keeps, std::uint64_t bytes);

    /// How rows were arranged in reports of a kind (see rowsKind()), as widgets::savedRows() has it.
    [[nodiscard]] QJsonObject rows(const QString& kind) const;
    void setRows(const QString& kind, const QJsonObject& rows);

    /// Marks on a report (see rememberMarks()), as widgets::savedMarks() has them. Those of the last hundred reports are kept.
    [[nodiscard]] QJsonArray marks(const QString& report) const;
    void setMarks(const QString& report, const QJsonArray& marks);

    /// Shortest idle gap to go to, as the user typed it; "10us" at first.
    [[nodiscard]] QString gapLength() const;
    void setGapLength(const QString& length);

    void sync() { m_store.sync(); }

private:
    void setLaunchProfiles(const std::vector<LaunchProfile>& profiles);
    void addToList(const QString& key, const QString& value);

    QString m_dataFolder;
    mutable QSettings m_store;
};

} // namespace gantry::desktop
