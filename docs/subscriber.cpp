// A subscriber in C++: joins by a snapshot, notices gaps and restarts, asks for what it missed (see events.md).
//
//     apt-get install g++ cppzmq-dev nlohmann-json3-dev
//     g++ -std=c++17 -o subscriber docs/subscriber.cpp -lzmq && ./subscriber tcp://127.0.0.1:5555

#include <cstdint>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <zmq.hpp>
#include <zmq_addon.hpp>

using nlohmann::json;
using Numbers = std::map<std::string, std::int64_t>;
using Parts = std::vector<zmq::message_t>;

static const std::string wanted = "plane.";

static json body_of(const zmq::message_t& header, const zmq::message_t& body) {
    if (json::parse(header.to_string())["encoding"] == "json") return json::parse(body.to_string());
    const auto* data = body.data<std::uint8_t>();
    return json::from_msgpack(data, data + body.size());
}

static void take(Numbers& expected, const zmq::message_t* message) {
    const std::string topic = message[0].to_string();
    const std::int64_t sequence = json::parse(message[1].to_string())["sequence"];
    if (sequence < expected[topic]) return;  // came already
    if (sequence > expected[topic]) std::cout << "lost " << sequence - expected[topic] << " of " << topic << std::endl;
    expected[topic] = sequence + 1;
    std::cout << topic << " " << body_of(message[1], message[2])["plane"].get<std::string>() << std::endl;
}

int main(int count, char** words) {
    const std::string endpoint = count > 1 ? words[1] : "tcp://127.0.0.1:5555";
    zmq::context_t context;
    zmq::socket_t events(context, zmq::socket_type::sub), requests;
    events.set(zmq::sockopt::maxmsgsize, std::int64_t{1} << 20);
    events.set(zmq::sockopt::subscribe, wanted);
    events.set(zmq::sockopt::subscribe, "bus.heartbeat");
    events.connect(endpoint);
    std::string epoch;
    Numbers expected;

    auto ask = [&](json question, json& answer) {
        question["topics"] = {wanted};
        requests.send(zmq::buffer(question.dump()), zmq::send_flags::none);
        Parts parts;
        (void)zmq::recv_multipart(requests, std::back_inserter(parts));
        answer = json::parse(parts.at(0).to_string());
        return parts;
    };

    while (true) {
        Parts message;
        (void)zmq::recv_multipart(events, std::back_inserter(message));
        const json header = json::parse(message.at(1).to_string());
        const bool is_beat = message[0].to_string_view() == "bus.heartbeat";
        Numbers reached;
        if (is_beat) {
            const json beat = body_of(message[1], message[2]);
            if (header["epoch"] != epoch) {  // the first publisher, or another one
                const std::string host = endpoint.substr(0, endpoint.rfind(':') + 1);
                requests = zmq::socket_t(context, zmq::socket_type::req);
                requests.connect(host + std::to_string(beat["requests_port"].get<int>()));
                json answer;
                ask({{"ask", "snapshot"}}, answer);
                epoch = answer["epoch"], expected = answer["next"].get<Numbers>();
                std::cout << "joined after " << expected["plane.entered"] << " events" << std::endl;
            }
            reached = beat["next"].get<Numbers>();
        } else {
            reached[message[0].to_string()] = header["sequence"];
        }
        if (header["epoch"] != epoch) continue;  // the heartbeat is to come
        bool more = false;
        for (const auto& [topic, number] : reached) more |= topic.rfind(wanted, 0) == 0 && number > expected[topic];
        while (more) {
            json answer;
            Parts parts = ask({{"ask", "replay"}, {"epoch", epoch}, {"first", expected}}, answer);
            more = answer["more"];
            for (std::size_t i = 1; i + 2 < parts.size(); i += 3) take(expected, &parts[i]);
        }
        if (!is_beat) take(expected, message.data());
    }
}
