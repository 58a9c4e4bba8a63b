internal import QuintetFiles

/// Where the files of an unfinished scrub are: `OUT/.scrub`. What is there under its final name is complete.
struct WorkFolder: Sendable {
    let output: String
    var root: String { Folder.join(output, ".scrub") }

    static func number(_ n: Int) -> String { String(repeating: "0", count: max(0, 5 - String(n).count)) + String(n) }

    func pass(_ pass: Int) -> String { Folder.join(root, "pass-\(pass)") }
    func unit(_ pass: Int, _ unit: Int) -> String { Folder.join(self.pass(pass), "unit-" + Self.number(unit)) }
    func part(_ pass: Int, _ part: Int) -> String { Folder.join(self.pass(pass), "parts/" + Self.number(part) + ".bin") }
    func verdicts(_ pass: Int) -> String { Folder.join(self.pass(pass), "verdicts") }
    func verdicts(_ pass: Int, _ unit: Int) -> String { Folder.join(verdicts(pass), Self.number(unit) + ".bin") }
    func counts(_ pass: Int) -> String { Folder.join(self.pass(pass), "census.json") }

    /// The plan of a finished scrub.
    var finishedPlan: String { Folder.join(output, "plan.json") }

    /// A folder without a plan is one that a task late for its unit made anew after another had taken the work away.
    var isFinished: Bool { Folder.isFile(Folder.join(output, "report.json")) && Folder.isFile(finishedPlan) && !Folder.isFile(Folder.join(root, "plan.json")) }

    /// Throws unless this plan is the one that was finished here; with `changes`, also where an input file is younger than the result.
    func checkFinished(_ plan: ScrubPlan, changes: Bool) throws {
        var names = Self.differences(try JSON.read(finishedPlan), plan.json)
        if changes {
            let finished = try Folder.changed(finishedPlan)
            for path in Set(plan.units.map(\.path)).sorted() where try Folder.changed(path) > finished { names.append("\(path) has changed since") }
        }
        if names.isEmpty { return try [Folder.join(output, Self.discarded), root].forEach(Folder.remove) }
        throw FileError(
            "the folder holds another scrub, which is finished", path: output, expected: "the same input and settings",
            found: "other: " + names.joined(separator: ", "), hint: "choose another folder or remove this one")
    }

    /// The name under which the work folder is removed.
    static let discarded = ".tmp-scrub"

    /// Removes what killed processes left under temporary names.
    func removeLeftovers(_ plan: ScrubPlan) throws(FileError) {
        for pass in plan.passes.indices {
            for folder in [self.pass(pass), Folder.parent(of: part(pass, 0))] { try AtomicFile.removeLeftovers(in: folder) }
        }
    }

    /// Throws if the work folder is gone, lest its work be begun anew.
    func checkOpen() throws(FileError) {
        guard Folder.isFile(Folder.join(root, "plan.json")) else { throw FileError("the work folder is gone", path: root, hint: "another process removed it") }
    }

    /// Opens the folder for this plan: new, or with the same plan's unfinished work in it.
    func open(_ plan: ScrubPlan) throws {
        let file = Folder.join(root, "plan.json")
        if Folder.isFile(file) {
            let old = try JSON.read(file)
            guard old == plan.json else { throw differs(old, plan.json) }
            return
        }
        let names = Folder.exists(output) && Folder.isFolder(output) ? try Folder.names(in: output) : []
        guard try Folder.isFree(output) || Set(names).isSubset(of: [".scrub", ".lock"]) else {
            throw FileError("the folder is not empty", path: output, hint: "choose another folder or remove this one")
        }
        try Folder.create(root)
        try AtomicFile.write(file, plan.json)
    }

    private static func differences(_ old: JSON, _ new: JSON) -> [String] {
        var names: [String] = []
        for key in ["format", "version", "units"] where old[key] != new[key] { names.append(key == "units" ? "the input files" : key) }
        for (key, value) in new["config"]?.object ?? [:] where old["config"]?[key] != value { names.append(key) }
        return names
    }

    private func differs(_ old: JSON, _ new: JSON) -> FileError {
        let names = Self.differences(old, new)
        return FileError(
            "unfinished work of another scrub is in this folder", path: output, expected: "the same input and settings",
            found: "other: " + names.joined(separator: ", "), hint: "run it as it was begun, or choose another folder")
    }
}
