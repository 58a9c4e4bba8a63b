import FuzzHarnesses

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The harness that the environment names; the script sets it.
private let harness: Harness = {
    let name = getenv("QUINTET_HARNESS").map { String(cString: $0) } ?? ""
    guard let harness = Harness.all.first(where: { $0.name == name }) else {
        let message = "no harness \"\(name)\"; there are: \(Harness.all.map(\.name).joined(separator: ", "))\n"
        _ = write(STDERR_FILENO, message, message.utf8.count)
        exit(2)
    }
    return harness
}()

/// Writes the harness's own seeds into the corpus folder before libFuzzer reads it.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: OpaquePointer) -> CInt {
    guard let folder = getenv("QUINTET_SEEDS").map({ String(cString: $0) }) else { return 0 }
    for (index, seed) in harness.seeds.enumerated() {
        guard let file = fopen("\(folder)/seed-\(index)", "wb") else { continue }
        fwrite(seed, 1, seed.count, file)
        fclose(file)
    }
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func feedOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    try? harness.feed(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
