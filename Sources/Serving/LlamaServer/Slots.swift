import HTTPTypes
import Hummingbird
import QuintetFiles
import QuintetGeneration

/// Places of the cache: what they do, and their keys and values saved and brought back. Source: llama.cpp tools/server/README.md.
enum Slots {
    static let routes: [Route] = [
        .get("/slots", "What each place is doing.", .key, list),
        .post("/slots/:id", "Saves, restores or erases a place's keys and values (?action=).", act),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Response {
        let model = try await call.server.pool.model(call.query("model"))
        let counts = model.client.counts
        if call.query("fail_on_no_slot") == "1", counts.running >= model.client.limits.parallel {
            throw APIError.overloaded("no slot is free")
        }
        return .json(
            .array(
                (0..<model.client.limits.parallel).map {
                    ["id": JSON($0), "n_ctx": JSON(model.context), "is_processing": .bool($0 < counts.running)]
                }))
    }

    @Sendable private static func act(_ call: Call) async throws -> Response {
        guard let folder = call.server.options.slotFolder else {
            throw APIError(.notImplemented, "not_supported_error", "This server does not support slots action. Start it with --slot-save-path.", code: "not_supported")
        }
        let action = call.query("action") ?? ""
        guard ["save", "restore", "erase"].contains(action) else { throw APIError.invalid("'action' has to be save, restore or erase.", param: "action") }
        let model = try await call.server.pool.model(call.query("model"))
        guard let slot = call.context.parameters.get("id", as: Int.self), (0..<model.client.limits.parallel).contains(slot) else {
            throw APIError.invalid("There are slots 0 to \(model.client.limits.parallel - 1).", param: "id")
        }
        if action == "erase" {
            return .json(["id_slot": JSON(slot), "n_erased": JSON(try await OpenAI.told { try await model.client.erase(slot, tenant: call.tenant.name) })])
        }
        let (fields, _) = try await call.fields()
        let name = try fileName(fields)
        let path = Folder.join(folder, name)
        guard Folder.resolved(path) == Folder.join(Folder.resolved(folder), name) else { throw fields.wrong("filename", "a file of that folder") }
        let start = ContinuousClock.now
        let page = try await OpenAI.told { try await model.client.pageSize() }
        guard let fingerprint = model.fingerprint, page.bytes > 0 else { throw APIError.invalid("This model keeps no keys and values that could be saved.", code: "not_supported") }
        let purpose = SlotFile.Purpose(
            fingerprint: fingerprint, cacheType: model.client.limits.cacheType, tenant: call.tenant.name, context: model.context, page: page)
        func answer(_ tokens: (String, Int), _ bytes: (String, Int), _ clock: String) -> Response {
            .json([
                "id_slot": JSON(slot), "filename": .string(name), tokens.0: JSON(tokens.1), bytes.0: JSON(bytes.1),
                "timings": [clock: .number((ContinuousClock.now - start) / .milliseconds(1))],
            ])
        }
        if action == "save" {
            let text = try await OpenAI.told { try await model.client.cachedText(of: slot, tenant: call.tenant.name) }
            guard let text else { throw APIError.invalid("Slot \(slot) holds no beginning of \(page.tokens) tokens or more of yours.", param: "id", code: "slot_empty") }
            let bytes = try await SystemThread.run { try SlotFile.write(text, path, purpose) }
            return answer(("n_saved", text.ids.count), ("n_written", bytes), "save_ms")
        }
        let file: SlotFile
        do { file = try await SystemThread.run { try SlotFile(path, name: name, purpose) } } catch var error as FileError {
            error.path = name
            throw APIError.invalid("The slot cannot be restored: \(error)", param: "filename", code: "slot_file_invalid")
        }
        let count = try await OpenAI.told { try await model.client.restore(file.text, to: slot, tenant: call.tenant.name) }
        return answer(("n_restored", count), ("n_read", file.bytes), "restore_ms")
    }

    /// A plain name: nothing that leads elsewhere, hides, or means something to a system.
    private static func fileName(_ fields: Fields) throws(APIError) -> String {
        let name = try fields.string("filename") ?? ""
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "._-".utf8.contains(byte)
        }
        guard (1...200).contains(name.utf8.count), isPlain, !name.hasPrefix(".") else { throw fields.wrong("filename", "a name of letters, digits, '.', '_' and '-'") }
        return name
    }
}
