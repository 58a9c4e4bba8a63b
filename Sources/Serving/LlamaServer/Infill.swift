import Hummingbird
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

/// Filling in between two texts, as editors ask for it.
enum Infill {
    /// The words of a family for before, after and between; each a token of its own.
    struct Marks: Sendable {
        let before: String, after: String, between: String
        /// StarCoder's order is before, after, between, and so is everybody's here.
        static let all = [
            Marks(before: "<|fim_prefix|>", after: "<|fim_suffix|>", between: "<|fim_middle|>"),  // Qwen-Coder, CodeGemma
            Marks(before: "<fim_prefix>", after: "<fim_suffix>", between: "<fim_middle>"),  // StarCoder, Granite
            Marks(before: "<fim-prefix>", after: "<fim-suffix>", between: "<fim-middle>"),  // SantaCoder
            Marks(before: "<｜fim▁begin｜>", after: "<｜fim▁hole｜>", between: "<｜fim▁end｜>"),  // DeepSeek-Coder
            Marks(before: "▁<PRE>", after: "▁<SUF>", between: "▁<MID>"),  // Code Llama
            Marks(before: "<PRE>", after: "<SUF>", between: "<MID>"),
            Marks(before: "<fim_p>", after: "<fim_s>", between: "<fim_m>"),
        ]
    }

    static let routes: [Route] = [.post("/infill", "The text between two others.", infill)]

    @Sendable private static func infill(_ call: Call) async throws -> Response {
        let (fields, ticket, model) = try await call.begin()
        let generation = try GenerationFields(fields, model)
        let prompt = try prompt(fields, model)
        let requests = try generation.requests(prompt, model, call)
        let dressing = LlamaServerDressing(model, try LlamaServerDetails(fields), requests.map(\.prompt.count), isPromptOnly: generation.isPromptOnly)
        return try await call.answer(try Making(model, requests), isStreamed: generation.isStreamed, dressing, ticket)
    }

    /// What others wrote never becomes a mark.
    private static func prompt(_ fields: Fields, _ model: ServedModel) throws(APIError) -> [Int32] {
        let tokenizer = model.tokenizer
        let known = Marks.all.lazy.compactMap { marks -> [Int32]? in
            let ids = [marks.before, marks.after, marks.between].compactMap { tokenizer.id(of: $0) }
            return ids.count == 3 ? ids : nil
        }.first
        guard let marks = known else { throw .invalid("The model '\(model.name)' has no tokens for filling in.", code: "infill_not_supported") }
        func ids(_ text: String) -> [Int32] { tokenizer.encode(text, addSpecialTokens: false, specials: .asText) }
        var extra = ""
        for (index, json) in (try fields.list("input_extra") ?? []).enumerated() {
            let file = try Fields(json, "input_extra[\(index)]")
            extra += "// \(try file.string("filename") ?? "")\n\(try file.string("text") ?? "")\n"
        }
        let before = extra + (try fields.string("input_prefix") ?? "")
        let after = try fields.string("input_suffix") ?? ""
        let start = tokenizer.encode("").filter { $0 == tokenizer.bosID }
        return start + [marks[0]] + ids(before) + [marks[1]] + ids(after) + [marks[2]] + ids(try fields.string("prompt") ?? "")
    }
}
