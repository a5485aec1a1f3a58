/**
 * Reading of QR codes from pictures and the camera: by the browser where it can, else by a reader in WebAssembly
 * where the service has it, else by our own server, which gets the grey values of the picture and nothing else.
 * @module
 */

import { element, post, word } from "./page.mjs";

/** Pixels of the longer side that are sent: enough for our densest code on half a page. */
const MAX_SIDE = 1600;
const FRAME_SIDE = 1100;
const MAX_PICTURE_PIXELS = 60_000_000;
const FRAME_PAUSE_MILLISECONDS = 250;

/** The browser's own reader of QR codes, null where it has none. */
async function nativeReader() {
  if (!("BarcodeDetector" in globalThis)) return null;
  const formats = await globalThis.BarcodeDetector.getSupportedFormats();
  return formats.includes("qr_code") ? new globalThis.BarcodeDetector({ formats: ["qr_code"] }) : null;
}

const hasWasm = () => document.documentElement.dataset.reader === "wasm";
/** Whether codes can be read here without the server. */
export const readsAlone = () => "BarcodeDetector" in globalThis || hasWasm();

let wasm = null;

/** The reader in WebAssembly, loaded when it is first needed; null where the service has none. */
function wasmReader() {
  if (!hasWasm()) return null;
  wasm ??= import("./zxing_reader.mjs").then((reader) => {
    const locateFile = (name) => new URL(`./${name}`, import.meta.url).href;
    reader.prepareZXingModule({ overrides: { locateFile } });
    return reader.readBarcodes;
  });
  return wasm;
}

/**
 * Texts of the codes in a picture.
 * @param {CanvasImageSource & {width: number, height: number}} source @param {number} side greatest
 * @returns {Promise<string[]>}
 */
async function readCodes(source, side) {
  const native = await nativeReader();
  if (native) {
    const found = (await native.detect(source)).map(({ rawValue }) => rawValue);
    if (found.length) return found;
  }
  const context = drawn(source, side);
  const { width, height } = context.canvas;
  const read = await wasmReader();
  if (read) {
    const found = await read(context.getImageData(0, 0, width, height), { formats: ["QRCode"] });
    return found.map(({ text }) => text);
  }
  const grey = greyValues(context.getImageData(0, 0, width, height));
  const { codes } = await post(`/codes?width=${width}&height=${height}`, grey, "application/octet-stream");
  return codes;
}

/** A picture on a canvas. @param {CanvasImageSource & {width: number, height: number}} source @param {number} side */
function drawn(source, side) {
  const scale = Math.min(1, side / Math.max(source.width, source.height));
  const width = Math.max(1, Math.round(source.width * scale));
  const height = Math.max(1, Math.round(source.height * scale));
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  return context;
}

/** One byte a pixel. @param {ImageData} picture */
function greyValues({ data, width, height }) {
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at += 1) {
    grey[at] = (data[4 * at] * 77 + data[4 * at + 1] * 151 + data[4 * at + 2] * 28) >> 8;
  }
  return grey;
}

/** Texts of the codes in a picture; none if it is no picture. @param {Blob | ImageData} source */
export async function readPicture(source) {
  let picture;
  try {
    picture = await createImageBitmap(source);
  } catch {
    return [];
  }
  if (picture.width * picture.height > MAX_PICTURE_PIXELS) return [];
  return readCodes(picture, MAX_SIDE);
}

/**
 * The camera, in a video element; it gives each text that it reads to `take` until it is stopped.
 */
export class Camera {
  /** @param {HTMLVideoElement} video @param {(text: string) => void} take @param {(text: string) => void} tell */
  constructor(video, take, tell) {
    Object.assign(this, { video, take, tell, stream: null });
  }

  async start() {
    try {
      const facing = { ideal: "environment" };
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (error) {
      this.tell(word(error.name === "NotAllowedError" ? "reader.camera_denied" : "reader.camera_absent"));
      return false;
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.read();
    return true;
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  /** Read frame after frame; one is under way at a time. */
  async read() {
    while (this.stream) {
      if (this.video.videoWidth) {
        try {
          const frame = await createImageBitmap(this.video);
          const [text] = await readCodes(frame, FRAME_SIDE);
          frame.close();
          if (text !== undefined && this.stream) {
            this.stop();
            this.take(text);
            return;
          }
        } catch (error) {
          this.tell(word("reader.server_away"));
        }
      }
      await new Promise((done) => setTimeout(done, FRAME_PAUSE_MILLISECONDS));
    }
  }
}
