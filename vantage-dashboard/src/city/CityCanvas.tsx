import { createRoot, type ReconcilerRoot } from '@react-three/fiber';
import { Component, useEffect, useRef, useState, type ReactNode } from 'react';
import { NeutralToneMapping, WebGLRenderer } from 'three';
import { CityScene, type CitySceneProps } from './CityScene';
import { chooseQuality, TIERS, type QualityChoice } from './quality';
import { withSetting } from './qualitySetting';

export type { CameraState, CityHandle, HoverTarget } from './CityScene';

const QUERY = new URLSearchParams(window.location.search);

/**
 * The canvas and the React root that lives in it. The root is made by hand: the ready-made <Canvas> knows every class
 * of three by name, and so would have all of it downloaded; this city is built from primitives.
 */
export default function CityCanvas(props: Omit<CitySceneProps, 'tier' | 'setTier'>) {
  const host = useRef<HTMLDivElement>(null);
  const root = useRef<ReconcilerRoot<HTMLCanvasElement> | null>(null);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [choice, setChoice] = useState<QualityChoice>({ tier: TIERS.high, fixed: false });
  const [failure, setFailure] = useState<Error | null>(null);
  // A root has error boundaries of its own; the page's should hear of it.
  if (failure) throw failure;

  useEffect(() => {
    const canvas = document.createElement('canvas');
    host.current?.append(canvas);
    root.current = createRoot(canvas);
    return () => {
      root.current?.unmount();
      root.current = null;
      canvas.remove();
    };
  }, []);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  const pixelRatio = Math.min(window.devicePixelRatio, choice.tier.maxPixelRatio);
  useEffect(() => {
    if (!size || size.width === 0 || size.height === 0) return;
    const configured = root.current?.configure({
      frameloop: 'demand',
      dpr: pixelRatio,
      size: { ...size, top: 0, left: 0 },
      gl: ({ canvas }) => createRenderer(canvas as HTMLCanvasElement),
      onCreated: ({ gl }) => {
        gl.toneMapping = NeutralToneMapping;
        setChoice(chooseQuality(withSetting(QUERY), rendererName(gl.getContext() as WebGL2RenderingContext)));
      },
    });
    configured?.catch(setFailure);
  }, [size, pixelRatio]);

  useEffect(() => {
    if (!size) return;
    root.current?.render(
      <Boundary onFailed={setFailure}>
        <CityScene {...props} tier={choice.tier} setTier={choice.fixed ? null : (tier) => setChoice({ tier, fixed: false })} />
      </Boundary>,
    );
  }, [size, props, choice]);

  return <div ref={host} className="city-canvas" aria-hidden="true" />;
}

function createRenderer(canvas: HTMLCanvasElement): WebGLRenderer {
  const testing = window.__vantage !== undefined;
  const renderer = new WebGLRenderer({ canvas, antialias: false, powerPreference: 'high-performance', preserveDrawingBuffer: testing, stencil: false });
  // To ask how a shader was compiled waits until it is: half a second where GL is software.
  renderer.debug.checkShaderErrors = import.meta.env.DEV;
  return renderer;
}

function rendererName(gl: WebGL2RenderingContext): string {
  const extension = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

class Boundary extends Component<{ onFailed: (error: Error) => void; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: Error): void {
    this.props.onFailed(error);
  }

  override render(): ReactNode {
    return this.state.failed ? null : this.props.children;
  }
}
