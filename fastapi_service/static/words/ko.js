// @ts-check
/** 페이지의 모든 문구, 한국어. */

import { languageName } from "./words.js";

/** What a user can meet, by the service's code; see docs/protocol.md. @type {Record<string, string>} */
const ERRORS = {
  unknown_language: "서비스가 모르는 언어입니다. 설정에서 다른 언어를 선택해 주세요.",
  bad_room: "방 이름으로 쓸 수 없습니다. 영문자, 숫자, 점, 하이픈, 밑줄을 1~64자로 입력해 주세요.",
  session_too_long: "한 대화의 최대 시간이 지났습니다. 계속하려면 새로 시작해 주세요.",
  taken_over: "이 대화는 다른 창에서 이어지고 있습니다. 이 창을 닫거나 새로 시작해 주세요.",
  too_slow: "받지 못한 메시지가 너무 많이 쌓였습니다. 다시 연결하면 모두 받을 수 있습니다.",
  too_many_errors: "잘못된 메시지가 너무 많아 연결을 끊었습니다. 페이지를 새로고침해 주세요.",
  service_full: "지금은 사용자가 많아 시작할 수 없습니다. 잠시 후 다시 시도해 주세요.",
  redis_unreachable: "서비스가 지금 저장소에 접근하지 못해 결과가 늦어집니다. 계속되면 운영자에게 알려 주세요.",
  busy: "처리를 기다리는 음성이 많아 결과가 늦어집니다. 계속 말씀하셔도 되며, 사라지는 내용은 없습니다.",
};

/** @type {typeof import("./en.js").en} */
export const ko = {
  otherLanguage: "English",
  tagline: "무슨 말을 어떤 감정으로 하는지 실시간으로 보여 줍니다.",
  recording: "녹음",
  start: "시작",
  stop: "정지",
  startAgain: "새로 시작",
  status: {
    idle: "준비됐습니다.",
    permission: "마이크를 기다리고 있습니다. 브라우저가 권한을 요청할 수 있습니다.",
    connecting: "연결 중…",
    listening: "듣고 있습니다.",
    hearing: "말소리를 듣는 중…",
    muted: "마이크가 음소거되어 있습니다. 음소거를 해제하면 계속됩니다.",
    lost: "마이크 연결이 끊어졌습니다. 다시 연결하면 계속됩니다.",
    interrupted: "통화 등으로 기기가 녹음을 중단했습니다. 끝나면 다시 이어집니다.",
    reconnecting: "연결이 끊어져 다시 연결하는 중… 계속 말씀하세요. 최대 1분까지 보관합니다.",
    finishing: "마지막 문장을 처리하는 중…",
    stopped: "정지했습니다.",
    sending: (share) => `파일을 보내는 중: ${share}`,
  },
  meter: {
    level: (level, threshold) => `입력 크기 ${level}, ${threshold}보다 작으면 무음으로 봅니다.`,
    saved: (share) => `오디오의 ${share}는 무음이어서 보내지 않았습니다.`,
  },
  file: {
    choose: "파일 선택",
    drop: "오디오 파일을 놓으면 받아 적습니다",
    unreadable: "이 파일은 오디오로 읽을 수 없습니다. WAV, MP3, M4A, OGG, FLAC 파일을 사용해 보세요.",
  },
  settings: {
    title: "설정",
    language: "말하는 언어",
    detect: "자동 감지",
    microphone: "마이크",
    standard: "기본값",
    unnamed: (number) => `마이크 ${number}`,
    echoCancellation: "스피커 소리의 울림 제거",
    noiseSuppression: "잡음 줄이기",
    autoGainControl: "음량 자동 조절",
    automatic: "무음 기준을 자동으로 찾기",
    threshold: "무음 기준",
    translate: "영어로 번역",
    prompt: "나올 수 있는 이름과 낱말",
    promptHint: "예: 김서연, Valkey. 적은 철자대로 표기됩니다.",
  },
  share: {
    title: "공유",
    explain: "같은 방에 있는 사람은 말하든 듣기만 하든 같은 기록을 봅니다. 방이 없으면 나만 볼 수 있습니다.",
    name: "방 이름",
    random: "무작위 이름",
    join: "입장",
    leave: "방 나가기",
    bad: "방 이름은 영문자, 숫자, _ . - 를 1~64자로 입력해 주세요.",
    link: "이 방의 링크",
    copy: "링크 복사",
    copied: "복사됨",
    code: "이 방 링크의 QR 코드",
    inRoom: (room) => `방: ${room}`,
    people: (people, talking) => `${people}명 참여 중, ${talking}명 말하는 중`,
  },
  transcript: "대화 기록",
  empty: {
    idle: "시작을 누르고 말해 보세요. 말이 끝나면 곧 문장과 감정이 여기에 나타납니다.",
    listening: "말해 보세요. 첫 문장이 곧 여기에 나타납니다.",
    nothing: "알아들은 말이 없습니다. 마이크를 제대로 선택했는지, 음소거되지 않았는지 확인해 주세요.",
  },
  you: "나",
  speaker: (number) => `화자 ${number}`,
  newest: (unread) => (unread ? `최신 문장 (${unread})` : "최신 문장"),
  added: (count) => `문장 ${count}개가 추가되었습니다.`,
  hops: {
    total: (seconds) => `${seconds} 만에 표시`,
    pause: "말 멈춤",
    queue: "대기",
    stt: "음성 인식",
    analysis: "감정 분석",
    delivery: "전달",
  },
  failed: "받아 적지 못했습니다.",
  failure: ({ code, message, remedy, attempts }) =>
    code === "transcription_failed"
      ? `${attempts}번 시도했지만 이 부분을 받아 적지 못했습니다. 다시 말씀해 주세요.`
      : `${message} ${remedy}`,
  noSentiment: "감정 없음",
  noSentimentBecause: ({ language, sentiment_reason }) =>
    sentiment_reason?.startsWith("The sentiment model")
      ? `감정 모델이 지원하지 않는 언어입니다: ${languageName(language)}.`
      : sentiment_reason?.startsWith("The analysis failed")
        ? "감정을 분석하지 못했습니다."
        : (sentiment_reason ?? ""),
  label: { positive: "긍정", neutral: "중립", negative: "부정" },
  statistics: {
    title: "통계",
    utterances: "문장",
    words: "낱말",
    talk: "말한 시간",
    pace: "분당 낱말 수",
    people: "방에 있는 사람",
    sentiment: "감정",
    label: "구분",
    count: "개수",
    share: "비율",
    mean: "평균 점수",
    timeline: "시간에 따른 감정",
    trend: "최근 흐름",
    languages: "언어",
    latency: "보통 지연",
    unanalysed: "감정 없음",
    failures: "받아 적지 못함",
  },
  leaning: (leaning) => ["부정적", "균형", "긍정적"][leaning + 1],
  timeline: ({ from, to, lowest, highest, latest }) =>
    `${from}부터 ${to}까지, −1(부정)에서 1(긍정) 사이: 최저 ${lowest}, 최고 ${highest}, 최근 ${latest}.`,
  export: "저장 형식",
  microphone: {
    insecure:
      "브라우저는 안전한 페이지에서만 마이크를 허용합니다. https:// 주소로 열거나, 서비스를 실행하는 기기에서 http://localhost로 열어 주세요.",
    unsupported: "이 브라우저에서는 녹음할 수 없습니다. 최신 Firefox, Chrome, Edge, Safari를 사용해 주세요.",
    denied: "마이크 사용이 허용되지 않았습니다. 브라우저의 사이트 설정에서 허용한 뒤 시작을 다시 눌러 주세요.",
    missing: "마이크를 찾을 수 없습니다. 마이크를 연결한 뒤 시작을 다시 눌러 주세요.",
    busy: "마이크를 사용할 수 없습니다. 마이크를 쓰는 다른 프로그램을 닫고 시작을 다시 눌러 주세요.",
    broken: "마이크를 열지 못했습니다. 페이지를 새로고침하거나 다른 브라우저를 사용해 보세요.",
  },
  microphoneLost: "마이크 연결이 끊어졌습니다. 다시 연결한 뒤 새로 시작해 주세요.",
  unreachable: "서비스에 연결할 수 없습니다. 서비스가 실행 중인지, 이 기기가 온라인인지 확인해 주세요.",
  notReady: "서비스가 아직 준비되지 않았습니다. 준비되면 결과가 나옵니다. 기다리는 항목:",
  renewed: "서비스에 이 대화가 더 이상 남아 있지 않아 새 대화를 시작했습니다. 통계는 여기서부터 계산합니다.",
  restore: "조금 전까지 진행하던 대화가 있습니다.",
  restoreIt: "이어서 하기",
  forgetIt: "새로 시작하기",
  incomplete: "결과를 모두 받기 전에 연결이 끝났습니다. 마지막 문장이 빠졌을 수 있습니다.",
  pending: (count) => `기다리는 시간이 끝날 때까지 문장 ${count}개가 도착하지 않았습니다.`,
  error: ({ code, message, remedy }) => ERRORS[code] ?? `${message} ${remedy}`,
  seconds: (figure) => `${figure}초`,
  none: "–",
};
