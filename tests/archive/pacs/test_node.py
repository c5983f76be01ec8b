"""The file of a connection: what is wrong in it is told in a sentence, before anything is sent."""

import pytest

from analysis.archive.pacs.dimse import associate, entity
from analysis.archive.pacs.node import Node, load_node
from analysis.archive.pacs.web import Web
from analysis.errors import StudyError

WRONG = {
    "- 1": "node.yaml: it holds no keys",
    "pacs.example.org": "node.yaml: it holds no keys",
    "": "protocol 'dimse' needs the key 'host'",
    "hots: x": "the key 'hots' is not known; did you mean 'host'",
    "{host: x, called: KNÄ}": "the value of 'called' ('KNÄ') is wrong: an AE title is of ASCII",
    "{host: x, called: 'A\\B'}": "of ASCII characters, without a backslash",
    "{host: x, calling: '  '}": "the value of 'calling' ('  ') is wrong",
    "{protocol: dicomweb, url: ftp://x}": "the key 'url' has to begin with https://",
    "{protocol: dicomweb, url: 'https://'}": "an address is written as https://",
    "{protocol: dicomweb, url: 'https://a b/'}": "an address is written as https://",
    "{protocol: dicomweb, url: 'https://a:port/'}": "an address is written as https://",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_connection_is_told(tmp_path, text):
    file = tmp_path / "node.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as told:
        load_node(file)
    assert WRONG[text] in str(told.value)


@pytest.mark.parametrize("host", ["pacs.invalid", "a" * 300, "a\0b"])
def test_a_computer_that_is_not_there_is_told(host):
    node = Node(host=host)
    with pytest.raises(StudyError, match=r"No computer is called '.*correct the key 'host'"):
        associate(entity(node), node)


def test_a_certificate_that_is_not_there_is_told():
    with pytest.raises(StudyError, match="A certificate of the connection can't be read"):
        Web(Node(protocol="dicomweb", url="https://localhost/", ca="/nowhere/ca.pem"), 1e6)
