import QuintetFiles

/// Fields of the protocols we speak that change nothing here. They are taken where they are of their type; of another they are the client's
/// error, as everywhere.
enum QuietFields {
    private enum Kind {
        case text, flag, whole, number, object, list

        func fits(_ value: JSON) -> Bool {
            switch self {
            case .text: value.string != nil
            case .flag: value.bool != nil
            case .whole: if case .integer = value { true } else { false }
            case .number: value.double != nil
            case .object: value.object != nil
            case .list: value.array != nil
            }
        }

        var name: String {
            switch self {
            case .text: "a string"
            case .flag: "true or false"
            case .whole: "a whole number"
            case .number: "a number"
            case .object: "an object"
            case .list: "a list"
            }
        }
    }

    /// OpenAI's, llama-server's and vLLM's names.
    private static let kinds: [String: Kind] = {
        let names: [(Kind, [String])] = [
            (.text, ["user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier", "reasoning_effort", "verbosity", "request_id", "cache_salt"]),
            (
                .flag,
                [
                    "store", "cache_prompt", "return_tokens", "use_beam_search", "skip_special_tokens", "spaces_between_special_tokens",
                    "include_stop_str_in_output", "add_special_tokens", "return_token_ids", "return_tokens_as_token_ids", "include_reasoning",
                ]
            ),
            (
                .whole,
                [
                    "n_keep", "n_discard", "n_indent", "mirostat", "min_keep", "min_tokens", "truncate_prompt_tokens", "priority", "t_max_predict_ms", "t_max_prompt_ms",
                    "dry_penalty_last_n", "prompt_logprobs",
                ]
            ),
            (.number, ["length_penalty", "dynatemp_range", "dynatemp_exponent", "mirostat_tau", "mirostat_eta"]),
            (.object, ["metadata", "prediction", "web_search_options", "audio", "thinking", "output_config", "kv_transfer_params", "mm_processor_kwargs"]),
            (.list, ["bad_words", "stop_token_ids", "allowed_token_ids", "dry_sequence_breakers"]),
        ]
        return Dictionary(uniqueKeysWithValues: names.flatMap { kind, names in names.map { ($0, kind) } })
    }()

    /// Those of them that change the text elsewhere: what is not kept here is refused, unless it asks for nothing.
    private static let binding: Set<String> = [
        "allowed_token_ids", "bad_words", "stop_token_ids", "min_tokens", "truncate_prompt_tokens", "use_beam_search", "include_stop_str_in_output",
        "mirostat", "dynatemp_range", "t_max_predict_ms", "t_max_prompt_ms",
    ]

    private static func asksForNothing(_ value: JSON) -> Bool { value.bool == false || value.array?.isEmpty == true || (value.double ?? 1) <= 0 }

    static func check(_ fields: Fields) throws(APIError) {
        for (key, value) in fields.object where !value.isNull {
            guard let kind = kinds[key] else { continue }
            if !kind.fits(value) { throw fields.wrong(key, kind.name) }
            if binding.contains(key), !asksForNothing(value) {
                throw .invalid("'\(fields.name(key))' cannot be kept to here; leave it out.", param: fields.name(key), code: "unsupported_parameter")
            }
        }
    }
}
