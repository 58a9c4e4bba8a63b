#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
internal import QuintetFiles

/// The text that everybody who built this program has on disk: this package's sources and its checked-out dependencies.
public enum DefaultSources {
    /// Folders to gather, for the package that the running program was built in or that the working folder belongs to;
    /// empty where there is none.
    public static func find() -> [String] {
        for start in [executable, Folder.resolved(".")] {
            var folder = start
            while folder != "/", folder != "." {
                if isPackage(folder) { return folders(in: folder) }
                folder = Folder.parent(of: folder)
            }
        }
        return []
    }

    /// The folders of a package at `root` that are there.
    public static func folders(in root: String) -> [String] {
        ["Sources", "Tests", "Benchmarks", "Examples", ".build/checkouts"].map { Folder.join(root, $0) }.filter(Folder.isFolder)
    }

    private static func isPackage(_ folder: String) -> Bool {
        Folder.isFile(Folder.join(folder, "Package.swift")) && Folder.isFolder(Folder.join(folder, "Sources/Corpus"))
    }

    private static var executable: String {
        #if canImport(Darwin)
            Folder.resolved(CommandLine.arguments.first ?? ".")
        #else
            Folder.resolved("/proc/self/exe")
        #endif
    }
}
