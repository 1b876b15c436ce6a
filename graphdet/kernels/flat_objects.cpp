// Lines of JSON → the names in those that are surely flat objects; every other line is told, for a parser that knows all of JSON.
#include <string>
#include <string_view>
#include <unordered_map>

#include "arrays.hpp"

namespace graphdet {
namespace {

// Names of values, each once, in the order of their first appearance; whether any of its values is other than null.
struct Names {
    std::unordered_map<std::string_view, std::size_t> number_of; // views of the text that is scanned
    Vector<std::string_view> names;
    Vector<char> is_told;
    Vector<std::size_t> last_line;

    std::size_t number(std::string_view name) {
        const auto [found, is_new] = number_of.try_emplace(name, names.size());
        if (is_new) {
            names.push_back(name);
            is_told.push_back(0);
            last_line.push_back(0);
        }
        return found->second;
    }
};

bool is_space(char byte) { return byte == ' ' || byte == '\t'; }
bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
bool is_hexadecimal(char byte) { return is_digit(byte) || ((byte | 32) >= 'a' && (byte | 32) <= 'f'); }

// One line: at each step `at` is what comes next. A step that fails says that the line is unclear, which is always a right answer.
class Line {
public:
    Line(const char* begin, const char* end) : at_(begin), end_(end) {}

    // Whether it is a flat object; its names and values by number.
    bool read(Names& names, std::size_t line, Vector<std::pair<std::size_t, bool>>& seen) {
        skip();
        if (!take('{')) return false;
        skip();
        if (take('}')) return is_over();
        for (;;) {
            const char* begin = at_ + 1;
            if (!string(false) || at_ - 1 == begin) return false;
            const std::size_t name = names.number({begin, std::size_t(at_ - 1 - begin)});
            if (names.last_line[name] == line) return false;
            names.last_line[name] = line;
            skip();
            if (!take(':')) return false;
            skip();
            bool is_null = false;
            if (!value(is_null)) return false;
            seen.emplace_back(name, !is_null);
            skip();
            if (take('}')) return is_over();
            if (!take(',')) return false;
            skip();
        }
    }

private:
    void skip() {
        while (at_ < end_ && is_space(*at_)) ++at_;
    }
    bool take(char wanted) { return at_ < end_ && *at_ == wanted ? (++at_, true) : false; }
    bool is_over() {
        skip();
        return at_ == end_ || (*at_ == '\r' && at_ + 1 == end_);
    }
    bool word(std::string_view wanted) {
        if (std::string_view(at_, std::size_t(end_ - at_)).substr(0, wanted.size()) != wanted) return false;
        at_ += wanted.size();
        return true;
    }

    bool string(bool may_escape) {
        if (!take('"')) return false;
        while (at_ < end_) {
            const char byte = *at_++;
            if (byte == '"') return true;
            if (static_cast<unsigned char>(byte) < ' ') return false;
            if (byte == '\\' && !(may_escape && escape())) return false;
        }
        return false;
    }

    // What follows a backslash; halves of characters are left to others.
    bool escape() {
        if (at_ == end_) return false;
        const char byte = *at_++;
        if (byte != 'u') return std::string_view("\"\\/bfnrt").find(byte) != std::string_view::npos;
        if (end_ - at_ < 4 || !std::all_of(at_, at_ + 4, is_hexadecimal)) return false;
        const bool half = (at_[0] | 32) == 'd' && at_[1] >= '8';
        at_ += 4;
        return !half;
    }

    bool digits() {
        const char* begin = at_;
        while (at_ < end_ && is_digit(*at_)) ++at_;
        return at_ > begin;
    }

    bool number() {
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (!digits()) return false;
        }
        return true;
    }

    bool value(bool& is_null) {
        if (at_ == end_) return false;
        switch (*at_) {
            case '"': return string(true);
            case 't': return word("true");
            case 'f': return word("false");
            case 'n': return is_null = word("null");
            default: return number();
        }
    }

    const char* at_;
    const char* end_;
};

nb::tuple flat_names(In<std::uint8_t> text) {
    const char* begin = reinterpret_cast<const char*>(text.data());
    const char* end = begin + text.size();
    Names names;
    Vector<std::int64_t> unclear;
    {
        nb::gil_scoped_release release;
        Vector<std::pair<std::size_t, bool>> seen;
        std::size_t line = 0;
        for (const char* at = begin; at < end;) {
            const char* stop = std::find(at, end, '\n');
            seen.clear();
            if (Line(at, stop).read(names, ++line, seen)) {
                for (const auto& [name, told] : seen) names.is_told[name] |= told ? 2 : 1;
            } else {
                unclear.push_back(at - begin);
                unclear.push_back(stop - begin);
            }
            at = stop + (stop < end);
        }
    }
    nb::list told, empty;
    for (std::size_t name = 0; name < names.names.size(); ++name) {
        if (names.is_told[name]) (names.is_told[name] & 2 ? told : empty).append(nb::bytes(names.names[name].data(), names.names[name].size()));
    }
    return nb::make_tuple(told, empty, hand_over(std::move(unclear)));
}

}  // namespace

void add_flat_objects(nb::module_& module) {
    module.def(
        "flat_names", &flat_names, nb::arg("text").noconvert(),
        "Lines of JSON in UTF-8 → names that have a value other than null in an object without objects and lists, names that have only\n"
        "null there, and where the lines that are no such objects begin and end, two places a line. Names with escapes are left to others."
    );
}

}  // namespace graphdet
