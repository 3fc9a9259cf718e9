"""Chinese characters of song lyrics with their reading, without tones: a list of our own, by reading."""

from collections.abc import Mapping

_BY_READING = """
a 啊阿 ai 爱哀碍 an 安暗岸 ba 吧把八爸 bai 白百摆 ban 半伴班般 bang 帮 bao 抱包宝保 bei 被背北杯悲 ben 本奔
bi 比笔必闭
bian 边变遍便 biao 表 bie 别 bing 冰并 bo 波播 bu 不步部布 cai 才彩 can 残灿 cang 藏苍 cao 草 ceng 曾层 cha
茶差
chang 长唱常场尝 chao 潮朝吵 che 车彻 chen 沉晨尘 cheng 城成程承 chi 迟吃痴 chong 重冲 chou 愁 chu 出处初
chuan 船传穿
chuang 窗床 chui 吹 chun 春纯 ci 次此词 cong 从 cuo 错 da 大打答达 dai 带待代 dan 单但淡 dang 当 dao 到道倒岛
de 的得地德
deng 灯等 di 低底第滴 dian 点电店 die 蝶叠 ding 定 dong 动东冬懂 dou 都 du 度独渡 duan 断短 dui 对 dun 顿 duo
多朵躲
e 饿 er 而耳二儿 fa 发 fan 翻返烦 fang 方放房 fei 飞非 fen 分纷 feng 风疯 fu 福浮负 gai 该改 gan 感敢干 gang
刚 gao 高告
ge 歌个各格 gei 给 gen 跟 geng 更 gong 共宫 gu 故古孤谷 guai 怪 guan 关观 guang 光 gui 归贵 guo 过国 hai
海还孩
han 寒喊 hang 航 hao 好号 he 和河喝何合 hei 黑 hen 很恨 hong 红 hou 后候 hu 湖呼忽 hua 花话画化 huai 怀坏
huan 欢换
huang 黄荒慌 hui 回会灰 hun 魂 huo 火活或 ji 记几己寄季际 jia 家加 jian 见间剪渐 jiang 江将 jiao 脚叫角 jie
街解结界节
jin 今近尽进 jing 境静经景镜 jiu 就旧久酒 ju 句 juan 卷倦 jue 觉 kai 开 kan 看 kao 靠 ke 可客刻 kong 空 kou
口 ku 哭苦
kuai 快块 kuang 狂 la 啦拉 lai 来 lan 蓝 lang 浪 lao 老 le 了乐 lei 泪累 leng 冷 li 里离力历丽 lian 脸恋连
liang 亮凉两
liao 聊 lin 林临 ling 铃零灵 liu 流留柳六 long 龙 lou 楼 lu 路露 luo 落 lv 绿旅 ma 吗妈 mai 买埋 man 慢满漫
mang 忙茫
mao 猫 mei 没每美梅 men 们门 meng 梦 mi 迷秘 mian 面眠 ming 明名命 mo 默末陌 mu 目木 na 那拿哪 nan 难南 nao 闹
ne 呢 nei 内 neng 能 ni 你 nian 年念 niao 鸟 ning 宁 nuan 暖 nv 女 pa 怕 pan 盼 pang 旁 pao 跑 pei 陪 peng 碰
pian 片篇 piao 飘 ping 平 po 破 pu 扑 qi 起气七奇期 qian 前千牵浅 qiang 墙 qiao 桥悄 qie 且 qin 亲琴 qing
情轻清晴青
qiong 穷 qiu 秋求 qu 去曲 quan 全 que 却缺 qun 群 ran 然 rang 让 re 热 ren 人忍认 ri 日 rong 容 rou 柔 ru 如
ruo 若
san 三散 se 色 sha 沙傻 shan 山闪 shang 上伤 shao 少 she 舍 shen 深身神 sheng 声生 shi 是时世诗十市拾湿 shou
手守
shu 书树数 shuang 双 shui 水睡谁 shuo 说 si 思四似丝 song 送 su 诉 suan 算 sui 岁随碎 suo 所 ta 他她它 tai 太
tan 谈弹
tang 糖 tao 逃 te 特 teng 疼 ti 提 tian 天甜田 tiao 跳 tie 贴 ting 听停 tong 同痛 tou 头透 tu 图途 tui 退 wa
哇 wai 外
wan 晚万弯玩 wang 望忘往 wei 为位微未 wen 问温文 wo 我 wu 无雾五舞物 xi 西希息惜夕习 xia 下夏 xian 现线弦先
xiang 想向香相响
xiao 小笑 xie 些写谢 xin 心新信 xing 星行醒 xiu 修 xu 许 xuan 选 xue 雪学 xun 寻 ya 呀 yan 眼烟言 yang 样阳扬
yao 要摇遥
ye 也夜叶 yi 一意已衣忆依 yin 因音 ying 影应 yong 永用拥 you 有又友由 yu 雨与语鱼 yuan 远愿圆 yue 月越约 yun
云 za 杂
zai 在再 zao 早 zen 怎 zha 眨 zhan 站 zhang 张 zhao 找照 zhe 这着者 zhen 真 zheng 整正 zhi 只知之直纸 zhong
中终种
zhou 舟 zhu 住 zhuan 转 zhui 追 zi 自子字 zong 总 zou 走 zu 足 zui 最醉 zuo 做坐昨作座
"""
READINGS: Mapping[str, str] = {
    character: reading
    for reading, characters in zip(_BY_READING.split()[::2], _BY_READING.split()[1::2], strict=True)
    for character in characters
}
"""Reading by character."""
