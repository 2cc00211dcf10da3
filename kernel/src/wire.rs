//! Jupyter messages: frames, signatures, JSON.
//!
//! <https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol>

use std::time::SystemTime;

use anyhow::{Context, Result};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;
use zeromq::ZmqMessage;

const DELIMITER: &[u8] = b"<IDS|MSG>";

/// Header, parent's header, metadata and content: what is signed.
const PARTS: usize = 4;

/// Signs and checks messages with the key of a connection file; an empty key means unsigned.
#[derive(Clone)]
pub(crate) struct Signer(Option<Hmac<Sha256>>);

impl Signer {
    pub(crate) fn new(key: &str) -> Result<Signer> {
        if key.is_empty() {
            return Ok(Signer(None));
        }
        let mac = Hmac::new_from_slice(key.as_bytes()).context("the connection key is unusable")?;
        Ok(Signer(Some(mac)))
    }

    fn sign(&self, parts: &[Bytes]) -> String {
        match &self.0 {
            None => String::new(),
            Some(mac) => {
                let mut mac = mac.clone();
                parts.iter().for_each(|part| mac.update(part));
                format!("{:x}", mac.finalize().into_bytes())
            }
        }
    }

    fn accepts(&self, signature: &[u8], parts: &[Bytes]) -> bool {
        // Fixed time, so that the answer tells nothing about the right signature.
        let expected = self.sign(parts);
        expected.len() == signature.len()
            && expected.bytes().zip(signature).fold(0, |difference, (a, b)| difference | (a ^ b))
                == 0
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Who to route a reply to; empty on iopub.
    identities: Vec<Bytes>,
    header: Value,
    parent_header: Value,
    pub(crate) content: Value,
}

impl Message {
    /// The message in these frames, or nothing if they are wrongly signed or not what evcxr can read
    /// without ending.
    pub(crate) fn decode(frames: &ZmqMessage, signer: &Signer) -> Option<Message> {
        let frames: Vec<Bytes> = frames.iter().cloned().collect();
        let delimiter = frames.iter().position(|frame| frame == DELIMITER)?;
        let (identities, rest) = frames.split_at(delimiter);
        let [_, signature, parts @ ..] = rest else {
            return None;
        };
        // Buffers, which may follow, are not signed.
        let parts = parts.get(..PARTS)?;
        if !signer.accepts(signature, parts) {
            return None;
        }
        let [header, parent_header, metadata, content] = parts else {
            return None;
        };
        serde_json::from_slice::<Value>(metadata).ok()?;
        let message = Message {
            identities: identities.to_vec(),
            header: serde_json::from_slice(header).ok()?,
            parent_header: serde_json::from_slice(parent_header).ok()?,
            content: serde_json::from_slice(content).ok()?,
        };
        message.header["msg_type"].is_string().then_some(message)
    }

    /// These frames without buffers. evcxr uses none, takes them for signed, and ends.
    pub(crate) fn without_buffers(mut frames: ZmqMessage) -> ZmqMessage {
        if let Some(delimiter) = frames.iter().position(|frame| frame == DELIMITER) {
            frames.split_off((delimiter + 2 + PARTS).min(frames.len()));
        }
        frames
    }

    /// The kind of the message in these frames, read from its header alone.
    pub(crate) fn kind_of(frames: &ZmqMessage) -> Option<String> {
        #[derive(Deserialize)]
        struct Header {
            msg_type: String,
        }
        let delimiter = frames.iter().position(|frame| frame == DELIMITER)?;
        let header: Header = serde_json::from_slice(frames.get(delimiter + 2)?).ok()?;
        Some(header.msg_type)
    }

    pub(crate) fn encode(&self, signer: &Signer) -> ZmqMessage {
        let parts = [&self.header, &self.parent_header, &json!({}), &self.content]
            .map(|part| Bytes::from(part.to_string()));
        let mut message = ZmqMessage::from(Bytes::from_static(DELIMITER));
        for identity in self.identities.iter().rev() {
            message.push_front(identity.clone());
        }
        message.push_back(Bytes::from(signer.sign(&parts)));
        parts.into_iter().for_each(|part| message.push_back(part));
        message
    }

    /// A request of our own.
    pub(crate) fn request(kind: &str, content: Value) -> Message {
        Message {
            identities: Vec::new(),
            header: header(kind, &Uuid::new_v4().to_string()),
            parent_header: json!({}),
            content,
        }
    }

    /// A message that this one caused, for iopub.
    pub(crate) fn child(&self, kind: &str, content: Value) -> Message {
        Message {
            identities: Vec::new(),
            header: header(kind, self.header["session"].as_str().unwrap_or_default()),
            parent_header: self.header.clone(),
            content,
        }
    }

    /// Another message of the same cause, for iopub.
    pub(crate) fn sibling(&self, kind: &str, content: Value) -> Message {
        let parent_header = self.parent_header.clone();
        Message { parent_header, ..self.child(kind, content) }
    }

    /// The answer to this request: `x_request` gets an `x_reply`.
    pub(crate) fn reply(&self, content: Value) -> Message {
        let kind = self.kind().replace("_request", "_reply");
        Message { identities: self.identities.clone(), ..self.child(&kind, content) }
    }

    pub(crate) fn kind(&self) -> &str {
        self.header["msg_type"].as_str().unwrap_or_default()
    }

    /// The code of a cell, if it is one.
    pub(crate) fn code(&self) -> &str {
        self.content["code"].as_str().unwrap_or_default()
    }

    /// Whether cells sent after this one are not to run if it fails.
    pub(crate) fn stops_on_error(&self) -> bool {
        self.content["stop_on_error"].as_bool().unwrap_or(true)
    }

    pub(crate) fn is_sibling_of(&self, other: &Message) -> bool {
        self.parent_header["msg_id"] == other.parent_header["msg_id"]
    }

    pub(crate) fn is_child_of(&self, parent: &Message) -> bool {
        self.parent_header["msg_id"] == parent.header["msg_id"]
    }
}

fn header(kind: &str, session: &str) -> Value {
    json!({
        "msg_id": Uuid::new_v4().to_string(),
        "session": session,
        "username": "kernel",
        "date": humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
        "msg_type": kind,
        "version": "5.3",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_jupyter() {
        // jupyter_client: Session(key=b"key").sign([b"{}", b"{}", b"{}", b"{}"])
        let parts = [(); 4].map(|()| Bytes::from_static(b"{}"));
        let signature = Signer::new("key").unwrap().sign(&parts);
        assert_eq!(signature, "ca767b02c5bc061ed184a9a029e7f93a7f2f7ed4e8fe74120fc1212f0b008fa3");
    }

    #[test]
    fn a_message_survives_the_wire_unless_it_is_tampered_with() {
        let signer = Signer::new("key").unwrap();
        let request = Message {
            identities: vec![Bytes::from_static(b"client")],
            ..Message::request("execute_request", json!({"code": "1 + 1"}))
        };
        let frames = request.encode(&signer);
        let decoded = Message::decode(&frames, &signer).unwrap();
        assert_eq!(decoded.content, request.content);
        assert_eq!(decoded.identities, request.identities);

        let reply = decoded.reply(json!({"status": "ok"}));
        assert_eq!(reply.kind(), "execute_reply");
        assert!(reply.is_child_of(&request));
        assert!(decoded.child("status", json!({})).identities.is_empty());

        let mut with_buffers = frames.clone();
        with_buffers.push_back(Bytes::from_static(b"buffer"));
        assert!(Message::decode(&with_buffers, &signer).is_some());
        assert_eq!(Message::without_buffers(with_buffers).into_vec(), frames.clone().into_vec());

        let mut tampered = frames.into_vec();
        let last = tampered.len() - 1;
        tampered[last] = Bytes::from_static(b"{\"code\":\"evil()\"}");
        let tampered = ZmqMessage::try_from(tampered).unwrap();
        assert!(Message::decode(&tampered, &signer).is_none());
        assert!(Message::decode(&ZmqMessage::from("noise"), &signer).is_none());
    }

    #[test]
    fn what_evcxr_could_not_read_is_no_message_however_it_is_signed() {
        let signer = Signer::new("key").unwrap();
        let signed = |parts: &[&'static str]| {
            let parts: Vec<Bytes> = parts.iter().map(|part| Bytes::from(*part)).collect();
            let mut frames = vec![Bytes::from_static(DELIMITER), signer.sign(&parts).into()];
            frames.extend(parts);
            Message::decode(&ZmqMessage::try_from(frames).unwrap(), &signer)
        };
        let header = r#"{"msg_type": "x_request"}"#;
        assert!(signed(&[header, "{}", "{}", "{}"]).is_some());
        for parts in [
            &[][..],
            &[header, "{}", "{}"],
            &["1", "{}", "{}", "{}"],
            &["{}", "{}", "{}", "{}"],
            &[header, "{", "{}", "{}"],
            &[header, "{}", "1e999", "{}"],
            &[header, "{}", "{}", ""],
        ] {
            assert!(signed(parts).is_none(), "{parts:?}");
        }
    }
}
