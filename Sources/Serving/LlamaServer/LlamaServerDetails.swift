import QuintetFiles
import QuintetGeneration

/// What a client of llama-server wants to hear besides the text.
struct LlamaServerDetails: Sendable {
    /// How fast it goes, beside each token of a stream.
    var timingsPerToken = false
    /// How far the prompt is read, at the beginning of a stream.
    var returnsProgress = false
    /// Whose probabilities are told: the model's as logarithms, or those that the draw was made by as they are.
    var source = TokenLogprobs.Source.model
    /// The fields of the answer that are wanted, `/` leading into objects; empty for all.
    var fields: [String] = []

    init() {}

    init(_ fields: Fields) throws(APIError) {
        timingsPerToken = try fields.flag("timings_per_token") ?? false
        returnsProgress = try fields.flag("return_progress") ?? false
        self.fields = try fields.strings("response_fields", atMost: 100)
        source = try fields.flag("post_sampling_probs") == true ? .draw : .model
    }

    /// The wanted fields of an answer, each under the whole of its path, as llama-server has them; what is not there is left out.
    func chosen(_ json: JSON) -> JSON {
        if fields.isEmpty { return json }
        var out = JSONObject()
        for path in fields {
            let value = path.split(separator: "/").reduce(Optional(json)) { $0?[String($1)] }
            if let value { out[path] = value }
        }
        return .object(out)
    }
}
