"""The words of the temporary passwords, chosen so that a child who hears one can write it.

Each is spelled in the only way that its sound allows once these are known: b and never v; s and never z, ce or ci; j
and never ge or gi; y and never ll; c or qu and never k; no h except in ch; no ñ, w or x; and no accents, as passwords
have none. No two sound alike, none is what one says for a digit or for a sign, and no pair of them says anything unkind
of a person.

Passwords of version 1 are made of these words in this order: changing any of it changes passwords that were mailed
already. A better list is a new tuple and a new version.
"""

_LIST = """
abajo abeja abeto abono abra abre abril abrir acaba acabo acre acude adobe aereo afina agota agrio agro agua agudo
aguja aire ajeno alado alamo alba aldea aleja alero aleta alfa alfil alga aliar alias alisa aloe alto alud amasa amate
ambar ambos ameba ameno amigo ancho ancla anda anden ando anida anis anona anota anoto ante antes anual anuda apaga
apago apila apio apoyo apura aquel arado arar arbol arca arco area arepa arete aria aroma arpa arte asado ascua aseo
asoma asomo aspa astro asume atajo atar atlas atol atomo atrae atril atun audio aula aura auto autor ayer ayote ayuda
bache baile bailo bajar bajo balar balde balon balsa bambu banca banco banda banjo barca barco barda barro base bata
bate batea batir baul beca bemol berro beta bien bingo boda bogar boina boli bolsa bolso bombo bongo bono borde bordo
borla borra bote botin boton boya brasa brea brida brisa broca broma brota brote bruma bucle bueno bulbo bulto buque
busca busco cabal cabe caber cable cabra cacao cada caer cafe caida caite caja cajon cala calca caldo calma calor campo
canal canje canoa canta canto caoba capa caqui cardo carey carga cargo carpa carro carta casa casco casi caso catre
causa chal chapa clama claro clase clima clon cloro cobra cobre cobro coche coco codo cofre cole colmo color comal
combo como compu conga cono copia copio copla copo coral coro corra corre corte corto cosa costa costo crea crear crema
creo crin croar cromo crudo cual cubo cubra cubre cubro cuida cuido cuna cuota cupo curar curso cuyo dado dalia dame
danta dato debe deber dedal dedo deja dejar dejo delta demo denso desde dial dicha diga digo dime dingo dino dique
disco dobla doblo domo dona donar donde dorar dorso dosel dosis drama dual ducha duda dudo dueto duna duque dura durar
ebano edad edita educa ejido elfo elote emite enero ente entre epoca esqui este estoy etapa euro faena falta fama fango
faro farol fase fauna fecha felpa feria fiar fibra ficha fideo fiel fijar fijo fila filma filme filmo fina final finca
firma firme firmo flama flan fleco flor flora flota flote fluir fluye focal foco folio fonda fondo forja forma formo
foro fosil foto frase frena freno fresa frito frota fruta fruto fuego fuera gafas gaita gajo gala galgo galon gama
gamba ganar gano garbo garra gasa gato globo golfo gorra gorro gota gotea graba grada grado grama gramo gran grano
grapa greda grial grifo gris grua grumo grupo gruta guaba guara guia guiar guiso gusto ibis icono idea ideal idear iglu
iman imita imito impar infla iris isla jabon jade jalea jamon jaque jarra jaula jerga joya judo juega jugar jugo julio
junco junio junta junto jurel justo labio labor labra laca lado ladra lago laja lana largo lata latin latir laton laud
leal legal legua lema lente leon letra liana libra libre libro liga lija lila lima limar limo limon lindo linea lino
lira lirio liso lista litio litro lobo local lodo logo logra logro loma lomo lona lonja loro lote loto luego lugar lujo
luna lunar lunes lupa magma mago malta mambo mamey manda mando manga mango mani mano manso manta manto mapa maple marca
marco marea masa mayo mayor mecha media medio medir mejor melon menor menta mente menu mesa meta metal metro micro mida
mide mido miel miga milpa mimar mimo mini mira mirar mirlo miro mito moda modal modo molar molde mole moler monto mora
moral mosca moto motor mucho mudar mueca muela muele multa mundo mural muro musa museo musgo mutar mutuo nacho nada
nadar nadie nado naipe nardo narra narro nata natal nido nieto nimbo noble noche nodo nogal nopal noria norma norte
nota notar noto nube nubla nudo nunca nutre oasis oblea oboe obra ocaso ocote ocre ocupa oeste oiga oigo ojal oleo olmo
olor omega opaco opalo opera opina opino orden oreo orla oruga osito ostra otro paga pagar pago paila pala palco palma
palmo pampa pana panal panda panel papel pardo pared parra parte pasa pasar paseo paso pasta pasto patin patio pausa
pauta peaje pedal pedir peine pelo pera peral perca perla perno perol pesca pesco peso piano piar pida pide pido pila
pilar pilon pinar pino pinta pinto piso pista plan plano plata plato playa pleno pluma poco poda podar poder podio
poema poeta polar polca polea polen polo pomo pone poner ponga pongo poni porte posa posar potro prado prisa proa prosa
pudo puede puedo pule pulga pulir pulpa pulpo pulso puma punta pure queda quedo quena queso quien quiso racha radar
radio rama ramal ramo rampa rana rango rasca rasco rasgo raso raspa raspo rato raton rayo real recta refri regar regla
reina reino reloj rema remar remo reno resta retar reto retro riega riego riel rifa rifar rima rimar rinda rinde risa
risco ritmo roble roca rodar rodea rodeo roer rojo rombo ronda rosa rosal rotar rotor rubi rubro rueca rueda ruego
ruido rulo rumba rumbo rumor runa rural ruta sabe saber sabio sabor saco sala salar saldo sale salga salgo salir salon
salsa salta salto salud samba sana satin sauna seca secar seco seda selfi senda sepia serie serio seto siga sigla siglo
sigo sigue silba silbo silo sino sitio sobra sobre soda sodio sofa solar soler solo sonar sonda sopa sopla soplo sorbo
sorgo soya suba sube subir subo suela suele suelo suena suero suma sumar surca surco sutil tabla tacho taco taiga talco
talon tamal tanda tango tanto tapa tapar tapia tapir tapo tapon tarda tarde tarea tarro tarta teca techo tecla teja
tejer tejo tela telar tele telon tema tener tenga tengo tenis tenor tenue termo tesis tiara tibio tiene tifon tigre
tilo timon tina tinta tinte tipo todo toga toldo tomo tonal tono tope topo tordo torno toro torre torso tose toser
total traba trae traer traje trama tramo trapo trato tren trepa trepo tribu trigo trino trono trota trote troto truco
trufa tuba tucan tule tuna tunel turbo turno tuyo ubica ubico ultra unen unico unido union unir untar usado usan usar
usual util yarda yate yelmo yema yeso yodo yoga yogur yoyo yuca yunta yute
"""

WORDS: tuple[str, ...] = tuple(_LIST.split())
