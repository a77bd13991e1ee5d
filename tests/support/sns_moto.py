"""An SNS that nobody here wrote (PyPI moto, boto3, multipart): publishes one message to a sink and
prints it with the topic, and with the proxy through which the signing certificate can be fetched.
Stays until standard input is closed."""
import http.server, json, os, socket, subprocess, sys, threading, time

import boto3
import moto.moto_proxy
import moto.proxy  # noqa: F401 (fails where multipart is missing)
from botocore.config import Config

got = []


class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
threading.Thread(target=sink.serve_forever, daemon=True).start()
port = free_port()
environment = dict(os.environ, NO_PROXY="127.0.0.1")
program = "import sys; from moto.proxy import main; main(sys.argv[1:])"
proxy = subprocess.Popen(
    [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(port)],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
try:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    url = f"http://127.0.0.1:{port}"
    authority = os.path.join(os.path.dirname(moto.moto_proxy.__file__), "ca.crt")
    sns = boto3.client(
        "sns", config=Config(proxies={"http": url, "https": url}), verify=authority,
        region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    topic = sns.create_topic(Name="bounces")["TopicArn"]
    endpoint = f"http://127.0.0.1:{sink.server_address[1]}/mailer/amazon/callback"
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    # Without a subject: moto leaves it out of the signed text.
    sns.publish(TopicArn=topic, Message=sys.argv[1])
    for _ in range(100):
        if got:
            break
        time.sleep(0.1)
    print(json.dumps({"topic": topic, "proxy": url, "authority": authority, "body": got[0]}), flush=True)
    sys.stdin.read()
finally:
    proxy.kill()
    proxy.wait()
