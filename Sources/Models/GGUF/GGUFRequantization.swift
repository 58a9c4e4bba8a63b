public import QuintetCheckpoints
import QuintetFiles
import QuintetTensors

/// Writes a GGUF file's content again in other types, metadata and all; what keeps its type is copied byte for byte.
public enum GGUFRequantization {
    /// - Throws: `FileError` where a tensor's type cannot be computed with.
    public static func write(
        _ files: [GGUFFile], _ quantization: GGUFQuantization, to path: String, onProgress: (_ done: Int, _ of: Int) throws -> Void = { _, _ in }
    ) throws -> GGUFExport.Report {
        var report = GGUFExport.Report(path: path)
        var items: [GGUFWriter.Item] = []
        let layers = Set(files.flatMap(\.tensors).compactMap { $0.name.hasPrefix("blk.") ? $0.name.split(separator: ".")[1] : nil }).count
        let isTied = !files.contains { $0.tensors.contains { $0.name == "output.weight" } }
        for file in files {
            for (index, entry) in file.entries.enumerated() {
                let facts = GGUFTensorFacts(
                    name: entry.name, shape: entry.shape, stored: entry.type, layers: layers, experts: experts(files[0]), headIsTied: isTied)
                let (type, wanted) = entry.type.dtype == .i32 ? (entry.type, entry.type) : quantization.type(for: facts)
                if type != wanted { report.replaced.append((entry.name, wanted, type)) }
                items.append(try item(file, index, type))
            }
        }
        let total = items.reduce(0) { $0 + $1.byteCount }
        try GGUFWriter.write(path, copying: pairs(files[0], quantization), items) { try onProgress($0, total) }
        report.types = GGUFExport.count(items)
        report.bytes = try Folder.size(of: path)
        return report
    }

    private static func item(_ file: GGUFFile, _ index: Int, _ type: GGUFType) throws(FileError) -> GGUFWriter.Item {
        let entry = file.entries[index]
        if type == entry.type { return GGUFWriter.Item(entry.name, type, entry.shape) { writer in try writer.write(file.bytes(of: entry)) } }
        guard let dtype = type.dtype else { throw FileError("tensors of this type cannot be written", path: file.path, field: entry.name, found: type.name) }
        return GGUFWriter.Item(entry.name, type, entry.shape) { writer in
            let tensor = try file.tensor(at: index).cast(to: .f32).cast(to: dtype)
            try writer.write(UnsafeRawBufferPointer(start: tensor.data, count: dtype.bytes(tensor.count)))
            file.release(at: index)
        }
    }

    /// The file's own pairs, without what says how it was split, with its new type.
    private static func pairs(_ file: GGUFFile, _ quantization: GGUFQuantization) -> [GGUFWriter.Pair] {
        var pairs = file.pairs.filter { !$0.key.hasPrefix("split.") && $0.key != "general.alignment" }.map { GGUFWriter.Pair.copied($0, file) }
        guard let type = quantization.fileType else { return pairs }
        let new = GGUFWriter.Pair.new("general.file_type", .u32(type))
        if let place = pairs.firstIndex(where: { $0.key == "general.file_type" }) { pairs[place] = new } else { pairs.append(new) }
        return pairs
    }

    private static func experts(_ file: GGUFFile) -> Int {
        guard let name = file["general.architecture"]?.json?.string else { return 0 }
        return file["\(name).expert_count"]?.json?.int ?? 0
    }
}
